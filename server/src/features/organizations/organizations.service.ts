import type { EndpointAnswer, EndpointInput } from '@almanac/contract/endpoint.ts';
import type { createOrganization, updateOrganization } from '@almanac/contract/organizations.ts';
import { isPermitted } from '@almanac/contract/permissions.ts';
import { entitlements, tiers } from '@almanac/contract/tiers.ts';
import { recordChange } from '#features/audit/index.ts';
import { forbidden, type UserPrincipal } from '#platform/access/principal.ts';
import type { IdempotentCall } from '#platform/db/idempotency.ts';
import { runOnceInInstance } from '#platform/db/once-in-instance.ts';
import type { InstanceTx, Scopes } from '#platform/db/scopes.ts';
import { AppError } from '#platform/errors/app-error.ts';
import { refuseOtherChanges } from './check-change.ts';
import { makeSlug } from './make-slug.ts';
import {
  emptyName,
  nameOfSeveralLines,
  ownSecondFactorNeeded,
  tooManyOwned,
  unknownTimeZone,
} from './organizations.errors.ts';
import {
  countOwned,
  hasSecondFactor,
  insertOrganization,
  insertOwner,
  knowsTimeZone,
  listMemberships,
  lockForChange,
  type MembershipRow,
  updateOrganization as storeOrganization,
} from './organizations.store.ts';
import { readTimeZone } from './read-time-zone.ts';

/** How many organizations a user can own: enough for anybody, too few to fill the database with. */
const mostOwned = 20;

type OrganizationView = EndpointAnswer<typeof createOrganization>;
type NewOrganization = EndpointInput<typeof createOrganization>['body'];
type OrganizationChange = EndpointInput<typeof updateOrganization>['body'];

/** The use cases of organizations. */
export interface OrganizationsService {
  list(principal: UserPrincipal): Promise<OrganizationView[]>;
  /** Throws VALIDATION_ERROR for an empty name or an unknown zone, CONFLICT for somebody who owns 20. */
  create(principal: UserPrincipal, input: NewOrganization, once?: IdempotentCall): Promise<OrganizationView>;
  /** Throws TIER_LIMIT or CONFLICT where a second factor cannot be asked for, VALIDATION_ERROR for other changes. */
  update(principal: UserPrincipal, change: OrganizationChange): Promise<OrganizationView>;
}

export interface OrganizationsOptions {
  scopes: Pick<Scopes, 'inInstance'>;
  now: () => Date;
  /** Has what is known of an organization's members looked up anew. */
  forgetOrganization: (organizationId: string) => void;
}

export function createOrganizationsService(options: OrganizationsOptions): OrganizationsService {
  const { scopes, now, forgetOrganization } = options;
  return {
    list: async ({ userId }) => {
      const rows = await scopes.inInstance((tx) => listMemberships(tx, { userId }));
      return rows.map(present);
    },
    create: (principal, input, once) => {
      const { organizationId, userId } = principal;
      const organization = checkNew(input);
      return scopes.inInstance((tx) =>
        runOnceInInstance(tx, { organizationId, once }, async () => {
          if ((await countOwned(tx, userId)) >= mostOwned) throw tooManyOwned(mostOwned);
          const { timezone } = organization;
          if (!(await knowsTimeZone(tx, timezone))) throw unknownTimeZone(timezone);
          const at = now();
          const id = await insertOrganization(tx, {
            ...organization,
            slug: makeSlug(organization.name),
            createdAt: at,
          });
          await insertOwner(tx, { organizationId: id, userId, at });
          const done = { action: 'organizations.create', at, target: `organization:${id}`, organizationId: id };
          await recordChange(tx, principal, done);
          return getView(tx, { userId, organizationId: id });
        }),
      );
    },
    update: async (principal, change) => {
      const view = await scopes.inInstance((tx) => applyChange(tx, { principal, change, at: now() }));
      forgetOrganization(principal.organizationId);
      return view;
    },
  };
}

interface AppliedChange {
  principal: UserPrincipal;
  change: OrganizationChange;
  at: Date;
}

async function applyChange(tx: InstanceTx, { principal, change, at }: AppliedChange): Promise<OrganizationView> {
  const { organizationId, userId } = principal;
  const { role, tier } = await lockForChange(tx, principal);
  if (!isPermitted(role, 'organizations:write')) throw forbidden(`This takes the role owner; yours is ${role} now.`);
  const current = await getView(tx, { userId, organizationId });
  const { name: sentName, requires_mfa: requiresMfa = current.requires_mfa, ...others } = change;
  refuseOtherChanges(current, others);
  const name = sentName === undefined ? current.name : checkName(sentName);
  if (requiresMfa && !current.requires_mfa) {
    if (!entitlements[tier].required_mfa) throw tierWithoutRequiredMfa(tier);
    if (!(await hasSecondFactor(tx, userId))) throw ownSecondFactorNeeded();
  }
  const details = {
    ...(name === current.name ? {} : { changed: 'name' }),
    ...(requiresMfa === current.requires_mfa ? {} : { requires_mfa: requiresMfa }),
  };
  if (Object.keys(details).length === 0) return current;
  await storeOrganization(tx, { id: organizationId, name, requiresMfa });
  const target = `organization:${organizationId}`;
  await recordChange(tx, principal, { action: 'organizations.update', at, target, details });
  return { ...current, name, requires_mfa: requiresMfa };
}

function tierWithoutRequiredMfa(tier: MembershipRow['subscription_tier']): AppError {
  const fitting = tiers.filter((other) => entitlements[other].required_mfa).join(' or ');
  return new AppError({
    code: 'TIER_LIMIT',
    message: `The tier ${tier} does not include asking members for a second factor. Take ${fitting} at POST /users/upgrade.`,
  });
}

async function getView(
  tx: InstanceTx,
  membership: { userId: string; organizationId: string },
): Promise<OrganizationView> {
  const [row] = await listMemberships(tx, membership);
  if (!row) throw new Error('An organization that was just read or made has its member.');
  return present(row);
}

function present(row: MembershipRow): OrganizationView {
  return { ...row, created_at: row.created_at.toISOString() };
}

function checkNew({ name, timezone = 'UTC', first_day_of_week: firstDayOfWeek }: NewOrganization) {
  const zone = readTimeZone(timezone);
  if (zone === undefined) throw unknownTimeZone(timezone);
  return { name: checkName(name), timezone: zone, firstDayOfWeek };
}

/** A name is one line of text: it stands in the subjects of mails. */
function checkName(text: string): string {
  const name = text.trim();
  if (name === '') throw emptyName();
  if (/\p{Cc}|[\u2028\u2029]/u.test(name)) throw nameOfSeveralLines();
  return name;
}
