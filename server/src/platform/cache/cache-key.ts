/** What an answer is found by. */
export interface CacheKey {
  organizationId: string;
  /** What invalidates it, such as 'weekly'. */
  topic: string;
  /** Everything else that it depends on: rights, each parameter, week start, zone, schema version. */
  parts: readonly string[];
}

/** What is invalidated together: one organization's topic. */
export function toScope(organizationId: string, topic: string): string {
  return `${organizationId.length}:${organizationId}${topic}`;
}

/** The organization of what `toScope` answered; undefined for any other text. */
export function organizationOf(scope: string): string | undefined {
  const [length = ''] = scope.split(':', 1);
  const from = length.length + 1;
  return /^\d+$/.test(length) ? scope.slice(from, from + Number(length)) : undefined;
}

/** One string for the key. Lengths keep parts apart, so that no value of a parameter can imitate another key. */
export function toKeyText({ organizationId, topic, parts }: CacheKey): string {
  let text = `${organizationId.length}:${organizationId}${topic.length}:${topic}`;
  for (const part of parts) text += `${part.length}:${part}`;
  return text;
}
