import { randomUUID } from 'node:crypto';
import { type Client, createClient } from '@almanac/client';
import type { AccountType } from '@almanac/contract/identity.ts';
import type { NewItem } from '@almanac/contract/weekly.ts';

/** A signed-in person, who owns an organization. */
export interface Person {
  readonly email: string;
  readonly password: string;
  readonly token: string;
  /** Acts as this person on a server; the one of the registration unless another is named. */
  on(baseUrl: string, fetching?: typeof fetch): Client;
}

/** Registers somebody new, whose organization has the widest limits, since tests ask much at once. */
export async function signUp(baseUrl: string, account_type: AccountType = 'standard'): Promise<Person> {
  const email = `${randomUUID()}@example.org`;
  const password = 'correct horse battery';
  const body = { email, password, account_type };
  const { access_token: token } = await createClient({ baseUrl }).identity.register({ body });
  // Without patience: tests want to see what is answered.
  const on = (url: string, fetching?: typeof fetch) =>
    createClient({ baseUrl: url, token, fetch: fetching, retries: 0 });
  await on(baseUrl).subscription.change({ body: { tier: 'enterprise' } });
  return { email, password, token, on };
}

/** An item of now, told apart by its id. */
export function newItem(externalId: string, fields: Partial<NewItem> = {}): NewItem {
  const occurred_at = new Date().toISOString();
  return {
    kind: 'update',
    title: `Change ${externalId}`,
    author: 'Ada',
    external_id: externalId,
    occurred_at,
    ...fields,
  };
}
