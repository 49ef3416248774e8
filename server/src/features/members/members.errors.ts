import type { Role } from '@almanac/contract/permissions.ts';
import { forbidden } from '#platform/access/principal.ts';
import { AppError, conflict, validationFailed } from '#platform/errors/app-error.ts';
import { quote } from '#platform/http/quote.ts';
import { maskAddress } from './mask-address.ts';

export function roleNotYours({ own, role, given }: { own: Role; role: Role; given: readonly Role[] }): AppError {
  if (given.length === 0) return forbidden(`You are ${own} here, and members are changed by owners and admins.`);
  return forbidden(`You are ${own} here: you give and take the roles ${given.join(', ')}, and not ${role}.`);
}

export function lastOwner(): AppError {
  return conflict('The organization needs an owner, and there is no other one. Make somebody else owner first.');
}

export function memberAlready(email: string): AppError {
  return conflict(
    `${quote(email)} is a member already. Change the role at PUT /api/organizations/:id/members/:user_id.`,
  );
}

export function youAreMemberAlready(): AppError {
  return conflict('You are a member of this organization already.');
}

export function noVerifiedAccount(email: string): AppError {
  return new AppError({
    code: 'NOT_FOUND',
    message:
      `There is no account with the verified address ${quote(email)}. ` +
      'Invite it at POST /api/organizations/:id/invitations.',
  });
}

export function notMailable(email: string): AppError {
  return validationFailed([{ field: 'email', issue: `${quote(email)} is not an address that mail can be sent to` }]);
}

export function tooManyOpen(most: number): AppError {
  return conflict(`${most} invitations are open, which is as many as there can be. Take some of them back first.`);
}

export function tooManyInvitations(perHour: number, retryAfterSeconds: number): AppError {
  return new AppError({
    code: 'RATE_LIMITED',
    message: `More than ${perHour} tries to invite somebody in an hour. Go on in ${retryAfterSeconds} s.`,
    retryAfterSeconds,
  });
}

/** The same words for unknown, used, expired, taken back and no longer backed: a guess learns nothing. */
export function invalidInvitation(): AppError {
  const issue = 'is not that of an open invitation: it may be used, expired or taken back. Ask for a new one';
  return validationFailed([{ field: 'token', issue }]);
}

export function invitedElsewhere(email: string): AppError {
  return conflict(
    `The invitation went to ${maskAddress(email)}, and you are signed in with another address. ` +
      'Sign in with that one, or have yours invited.',
  );
}
