import type { UserPrincipal } from '#platform/access/principal.ts';

/** Who may write down what other members did: admins and owners, and any API key that has the right at all. */
export function mayWriteForOthers({ apiKey, role }: Pick<UserPrincipal, 'apiKey' | 'role'>): boolean {
  return apiKey !== undefined || role === 'admin' || role === 'owner';
}
