import { getOrganizationSettings } from '#features/organizations/index.ts';
import { isId } from '#kernel/ids.ts';
import { type SystemPrincipal, systemPrincipal } from '#platform/access/principal.ts';
import { validationFailed } from '#platform/errors/app-error.ts';
import type { Almanac } from './open-almanac.ts';

/** The system, acting for one organization in its time zone. */
export interface ActingSystem extends SystemPrincipal {
  readonly organization: { readonly timezone: string };
}

/**
 * Finds the organization that a program names: programs that hold the database act for whichever they name. Throws
 * VALIDATION_ERROR for what is no id, NOT_FOUND where there is no such organization.
 */
export async function actFor({ platform }: Almanac, organizationId: string): Promise<ActingSystem> {
  const id = String(organizationId).toLowerCase();
  if (!isId(id)) {
    throw validationFailed([{ field: 'organizationId', issue: `'${id}' is not the id of an organization, a UUID` }]);
  }
  const principal = systemPrincipal(id);
  const { timezone } = await platform.scopes.inOrganization(principal, getOrganizationSettings);
  return { ...principal, organization: { timezone } };
}
