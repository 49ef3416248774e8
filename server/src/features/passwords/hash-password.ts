import { hash, verify } from '@node-rs/argon2';

// Argon2id, the library's default algorithm, with OWASP's first recommendation: 19 MiB, two passes, one lane.
const cost = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };

const normalised = (password: string) => password.normalize('NFKC');

/** Hashes a password on a worker thread; the same letters typed in another Unicode form are the same password. */
export function hashPassword(password: string): Promise<string> {
  return hash(normalised(password), cost);
}

/** Of a random password that nobody has kept. */
const hashOfNobody =
  '$argon2id$v=19$m=19456,t=2,p=1$rq6FJLFx0IUl2SDoXqJy5Q$54c+jEu2ndNMmUnAB01SCy1etWbMop/MLfoqm/PEc5Q';

/** True when the password is the account's. Without an account it takes the same time, and is false. */
export async function isPassword(passwordHash: string | null | undefined, password: string): Promise<boolean> {
  const matches = await verify(passwordHash ?? hashOfNobody, normalised(password));
  return matches && typeof passwordHash === 'string';
}
