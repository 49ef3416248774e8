import type { AccountType } from '@almanac/contract/identity.ts';
import { isPermitted, type Permission, type Role, ruleOf } from '@almanac/contract/permissions.ts';
import type { Tier } from '@almanac/contract/tiers.ts';
import type { WeekCalendar } from '#kernel/weeks.ts';
import { AppError } from '../errors/app-error.ts';

/** The organization a request acts in, as far as every feature needs it. */
export interface ActingOrganization extends WeekCalendar {
  readonly id: string;
  readonly slug: string;
  readonly isDemo: boolean;
  readonly tier: Tier;
}

/** The request that a principal acts through, for the audit log. */
export interface ActingRequest {
  readonly id: string;
  readonly address: string;
}

/** A person, or the anonymous viewer, acting in one organization. */
export interface UserPrincipal {
  readonly kind: 'user' | 'anonymous';
  readonly userId: string;
  readonly organizationId: string;
  readonly organization: ActingOrganization;
  readonly role: Role;
  readonly isInstanceAdmin: boolean;
  readonly accountType: AccountType;
  /** The session that the credentials belong to; anonymous requests, API keys and outside tokens have none. */
  readonly sessionId: string | undefined;
  /** The API key that the request carries, and what it may at most do. */
  readonly apiKey: { readonly id: string; readonly scopes: readonly Permission[] } | undefined;
  /** True where the organization asks for a second factor and the account has none. */
  readonly isMfaMissing: boolean;
  /** When the credentials end; the anonymous viewer's do not. */
  readonly expiresAt: Date | undefined;
  /** Absent on sockets and in work that no request waits for. */
  readonly request?: ActingRequest;
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

/** Throws unless the principal has the right: 401 where the anonymous viewer lacks it, 403 where anybody else does. */
export function requirePermission(principal: UserPrincipal, permission: Permission): void {
  const rule = ruleOf(permission);
  if (principal.kind === 'anonymous') {
    if (!rule.anonymous) throw unauthenticated();
    return;
  }
  const { apiKey, role, isInstanceAdmin, accountType, isMfaMissing } = principal;
  if (apiKey && !apiKey.scopes.includes(permission)) throw outOfScope(permission);
  if (rule.instance && !isInstanceAdmin) throw forbidden('This is for administrators of the installation.');
  if (!rule.instance && !isPermitted(role, permission)) {
    throw forbidden(`This takes the role ${rule.leastRole} or higher; yours in this organization is ${role}.`);
  }
  if (rule.accountType !== undefined && rule.accountType !== accountType) {
    throw forbidden(`This is for accounts of the type ${rule.accountType}; yours is ${accountType}.`);
  }
  if (isMfaMissing && !rule.personal) throw mfaSetupRequired();
}

/** A right that the caller does not have. */
export function forbidden(message: string): AppError {
  return new AppError({ code: 'FORBIDDEN', message });
}

function outOfScope(permission: Permission): AppError {
  return forbidden(
    ruleOf(permission).sessionOnly
      ? 'An API key cannot do this: sign in.'
      : `The API key lacks the scope ${permission}. Make one that has it at POST /auth/api-keys.`,
  );
}

function mfaSetupRequired(): AppError {
  return new AppError({
    code: 'MFA_SETUP_REQUIRED',
    message: 'This organization asks for a second factor. Set one up at POST /auth/mfa/setup.',
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
