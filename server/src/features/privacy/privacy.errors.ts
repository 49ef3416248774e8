import { type AppError, conflict, validationFailed } from '#platform/errors/app-error.ts';

export function othersWithoutOwner(names: readonly string[]): AppError {
  const list = names.map((name) => `“${name}”`).join(', ');
  return conflict(
    `Others are left without an owner in ${list}. Make somebody else owner there, or remove the others, then try again.`,
  );
}

export function lastAdministrator(): AppError {
  return conflict(
    'You are the last administrator of this installation, and there are other accounts. Have its operator make another ' +
      'one first: almanac admin add <e-mail address>.',
  );
}

export function passwordNeeded(): AppError {
  return validationFailed([{ field: 'password', issue: 'is needed to delete the account' }]);
}

export function codeNeeded(): AppError {
  const issue = 'is needed to delete the account, since its second factor is on: six digits, or a recovery code';
  return validationFailed([{ field: 'code', issue }]);
}

/** Of accounts without a password: their token proves who it is, and the address that it is meant. */
export function addressNeeded(email: string): AppError {
  const issue = `must be the address of the account, '${email}': it has no password here, and this is to be meant`;
  return validationFailed([{ field: 'email', issue }]);
}
