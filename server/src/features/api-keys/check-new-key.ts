import type { FieldFault } from '@almanac/contract/errors.ts';
import { isPermitted, type Permission, type Role, ruleOf } from '@almanac/contract/permissions.ts';
import { readTime } from '#kernel/read-time.ts';

/** What a member asks of a new key. */
export interface WantedKey {
  readonly name: string;
  readonly scopes: readonly Permission[];
  /** RFC 3339; a key without it does not expire. */
  readonly expires_at?: string | null | undefined;
}

const mostYears = 5;

/** What is wrong with a wanted key beyond its form: a blank name, rights that its owner lacks, an end out of range. */
export function checkNewKey(wanted: WantedKey, { role, now }: { role: Role; now: Date }): FieldFault[] {
  const { name, scopes, expires_at } = wanted;
  const nameFaults = name.trim() === '' ? [{ field: 'name', issue: 'is blank' }] : [];
  const scopeFaults = scopes.flatMap((scope, index) => {
    if (isPermitted(role, scope)) return [];
    const issue = `'${scope}' takes the role ${ruleOf(scope).leastRole} or higher; yours in this organization is ${role}`;
    return [{ field: `scopes[${index}]`, issue, index }];
  });
  const expiryIssue = typeof expires_at === 'string' ? findExpiryIssue(expires_at, now) : undefined;
  return [...nameFaults, ...scopeFaults, ...(expiryIssue ? [{ field: 'expires_at', issue: expiryIssue }] : [])];
}

function findExpiryIssue(text: string, now: Date): string | undefined {
  const expiresAt = readTime(text);
  if (!expiresAt) return `'${text}' is not a time such as 2024-12-16T09:30:00Z`;
  if (expiresAt <= now) return `'${text}' is not in the future`;
  const latest = Temporal.Instant.fromEpochMilliseconds(now.getTime())
    .toZonedDateTimeISO('UTC')
    .add({ years: mostYears });
  return expiresAt.getTime() > latest.epochMilliseconds ? `'${text}' is more than ${mostYears} years ahead` : undefined;
}
