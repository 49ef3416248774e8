import { validationFailed } from '#platform/errors/app-error.ts';

const shortest = 8;
const longest = 128;

/** The passwords that everybody tries first, those long enough to be taken here; loaded once somebody sets a password. */
let common: Promise<ReadonlySet<string>> | undefined;

async function loadCommon(): Promise<ReadonlySet<string>> {
  const { dictionary } = await import('@zxcvbn-ts/language-common');
  const words = dictionary['passwords-common'] as readonly string[];
  return new Set(words.filter((word) => word.length >= shortest).map((word) => word.toLowerCase()));
}

/**
 * Throws VALIDATION_ERROR for a password that is too short or long once normalised (NFKC, as it is hashed), is one of the
 * most common, whatever its case, or is the account's own address.
 */
export async function refuseWeakPassword(password: string, { field, email }: { field: string; email: string }) {
  const normalised = password.normalize('NFKC');
  const { length } = [...normalised];
  if (length < shortest || length > longest) {
    throw validationFailed([{ field, issue: `has ${length} characters; it takes ${shortest} to ${longest}` }]);
  }
  const plain = normalised.toLowerCase();
  if (plain === email.toLowerCase())
    throw validationFailed([{ field, issue: 'is the e-mail address; choose another' }]);
  common ??= loadCommon();
  if ((await common).has(plain)) {
    throw validationFailed([{ field, issue: 'is one of the most common passwords; choose another' }]);
  }
}
