import { isPermitted, type Permission, permissions, type Role } from '@almanac/contract/permissions.ts';
import type { WeekCalendar } from '#kernel/weeks.ts';
import { AppError } from '../errors/app-error.ts';

/** The organization a request acts in, as far as every feature needs it. */
export interface ActingOrganization extends WeekCalendar {
  readonly id: string;
  readonly slug: string;
  readonly isDemo: boolean;
}

/** A person, or the anonymous viewer, acting in one organization. */
export interface UserPrincipal {
  readonly kind: 'user' | 'anonymous';
  readonly userId: string;
  readonly organizationId: string;
  readonly organization: ActingOrganization;
  readonly role: Role;
  /** The session that the credentials belong to; anonymous requests have none. */
  readonly sessionId: string | undefined;
  /** When the credentials end; the anonymous viewer's do not. */
  readonly expiresAt: Date | undefined;
}

/** The system acting for one organization: jobs, connectors, delivery. */
export interface SystemPrincipal {
  readonly kind: 'system';
  readonly organizationId: string;
}

/** Who acts. */
export type Principal = UserPrincipal | SystemPrincipal;

/** The principal under which background work for an organization runs. */
export function systemPrincipal(organizationId: string): SystemPrincipal {
  return { kind: 'system', organizationId };
}

/** Throws unless the principal has the right: 401 where the anonymous viewer lacks it, 403 where a role is too low. */
export function requirePermission(principal: UserPrincipal, permission: Permission): void {
  const rule = permissions[permission];
  if (principal.kind === 'anonymous') {
    if (!rule.anonymous) throw unauthenticated();
    return;
  }
  if (isPermitted(principal.role, permission)) return;
  throw new AppError({
    code: 'FORBIDDEN',
    message: `This takes the role ${rule.leastRole} or higher; yours in this organization is ${principal.role}.`,
  });
}

/** No credentials where some are needed. */
export function unauthenticated(): AppError {
  return new AppError({
    code: 'UNAUTHENTICATED',
    message: 'Sign in first: send an access token as `Authorization: Bearer …`.',
    headers: { 'www-authenticate': 'Bearer' },
  });
}
