import type { FieldFault } from '@almanac/contract/errors.ts';
import type { FeedMessage, FeedPayload } from '@almanac/contract/feed.ts';
import { type SubscriptionType, subscriptionTypes } from '@almanac/contract/live.ts';
import { validationFailed } from '#platform/errors/app-error.ts';
import { quote } from '#platform/http/quote.ts';
import { type FilterName, subscriptionRules } from './live.policy.ts';

/** What a client sends to subscribe, not checked yet. */
export interface SentSubscription {
  readonly type?: unknown;
  readonly filters?: unknown;
}

type Filters = Readonly<Partial<Record<FilterName, string>>>;

/** What somebody wants to be told. */
export interface WantedMessages {
  readonly type: SubscriptionType;
  readonly filters: Filters;
}

const longestFilter = 200;

/**
 * Reads what is subscribed to in an organization. Throws VALIDATION_ERROR that lists what is taken; also for the id of
 * another organization, which only tells the server whom the client takes itself for.
 */
export function readSubscription({ type, filters }: SentSubscription, organizationId: string): WantedMessages {
  if (!isSubscriptionType(type)) {
    const issue = type === undefined ? 'is missing; it is' : `${quote(type)} is not`;
    throw validationFailed([{ field: 'type', issue: `${issue} one of ${subscriptionTypes.join(', ')}` }]);
  }
  if (filters === undefined) return { type, filters: {} };
  if (typeof filters !== 'object' || filters === null || Array.isArray(filters)) {
    throw validationFailed([{ field: 'filters', issue: `${quote(filters)} is not an object` }]);
  }
  const { filters: names } = subscriptionRules[type];
  const [fault, ...others] = Object.entries(filters).flatMap(([name, value]) =>
    checkFilter({ name, value }, { type, names, organizationId }),
  );
  if (fault) throw validationFailed([fault, ...others.slice(0, 19)]);
  const given = filters as Readonly<Record<string, string | undefined>>;
  const kept = names.flatMap((name) => {
    const value = given[name];
    return value === undefined ? [] : [[name, name === 'report_id' ? value.toLowerCase() : value]];
  });
  return { type, filters: Object.fromEntries(kept) as Filters };
}

/** True when the event is one of those wanted. An update that does not name its metrics may be of any of its type. */
export function isWanted({ type, payload }: Pick<FeedMessage, 'type' | 'payload'>, wanted: WantedMessages): boolean {
  if (type !== subscriptionRules[wanted.type].message) return false;
  const { metric_type, metric_name, report_id } = wanted.filters;
  if (wanted.type === 'reports') {
    return report_id === undefined || (payload as FeedPayload<'report_ready'>).report_id === report_id;
  }
  if (wanted.type !== 'metrics') return true;
  const update = payload as FeedPayload<'metric_update'>;
  if (metric_type !== undefined && update.metric_type !== metric_type) return false;
  return metric_name === undefined || (update.metric_names?.includes(metric_name) ?? true);
}

function isSubscriptionType(type: unknown): type is SubscriptionType {
  return (subscriptionTypes as readonly unknown[]).includes(type);
}

interface Taken {
  readonly type: SubscriptionType;
  readonly names: readonly FilterName[];
  readonly organizationId: string;
}

function checkFilter({ name, value }: { name: string; value: unknown }, taken: Taken): FieldFault[] {
  const { type, names, organizationId } = taken;
  const field = `filters.${name.slice(0, 100).toWellFormed()}`;
  const isOrganization = name === 'organizationId';
  if (!isOrganization && !(names as readonly string[]).includes(name)) {
    const issue = `is not taken for ${type}; taken are ${['organizationId', ...names].join(', ')}`;
    return [{ field, issue }];
  }
  if (typeof value !== 'string') return [{ field, issue: `${quote(value)} is not of type string` }];
  if (value === '' || value.length > longestFilter) {
    return [{ field, issue: `is ${value.length} characters long; 1 to ${longestFilter} are taken` }];
  }
  if (!isOrganization || value.toLowerCase() === organizationId) return [];
  const issue = `${quote(value)} is not the organization of this connection; connect with auth.organization to follow another`;
  return [{ field, issue }];
}
