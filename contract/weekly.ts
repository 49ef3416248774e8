import { type Static, Type } from 'typebox';
import { defineEndpoint } from './endpoint.ts';
import { orNull } from './or-null.ts';
import { exampleActivity, examplePending, exampleStats, exampleWeek } from './weekly-examples.ts';

const strict = { additionalProperties: false };

/** What an activity item can be. */
export const itemKinds = ['upload', 'update', 'decision', 'completion', 'review'] as const;
export type ItemKind = (typeof itemKinds)[number];

/** How much an item matters, the most first. */
export const impacts = ['high', 'medium', 'low'] as const;
export type Impact = (typeof impacts)[number];

const WeekQuery = Type.Object(
  {
    week: Type.Optional(
      Type.String({
        maxLength: 40,
        description:
          '`current` (default), `last`, `two_weeks_ago`, an ISO week such as `2024-W51`, or a day of the week',
      }),
    ),
  },
  strict,
);

/** One item as a list shows it. */
export const ListedItem = Type.Object({
  id: Type.String({ format: 'uuid' }),
  title: Type.String(),
  author: Type.String(),
  category: Type.String(),
  impact: Type.Enum([...impacts]),
  status: Type.String(),
  occurred_at: Type.String({ format: 'date-time' }),
  url: orNull(Type.String()),
});
export type ListedItem = Static<typeof ListedItem>;

/** The six numbers of a week. */
export const WeekStats = Type.Object({
  newUploads: Type.Integer(),
  updates: Type.Integer(),
  decisions: Type.Integer(),
  completedTasks: Type.Integer(),
  contributors: Type.Integer({ description: 'Distinct authors of the week’s items' }),
  pendingReviews: Type.Integer({ description: 'Reviews open now; for a past week, at its end' }),
});
export type WeekStats = Static<typeof WeekStats>;

/** One day of the activity chart. */
export const DayActivity = Type.Object({
  day: Type.String({ description: 'Mon … Sun' }),
  date: Type.String({ format: 'date' }),
  uploads: Type.Integer(),
  updates: Type.Integer(),
  decisions: Type.Integer(),
  completed: Type.Integer(),
});
export type DayActivity = Static<typeof DayActivity>;

const Slice = Type.Object({ name: Type.String(), value: Type.Integer(), percentage: Type.Number() });

/** The weekly data object. */
export const WeeklyData = Type.Object({
  period: Type.String(),
  generated: Type.String({ description: 'Local time of the organization' }),
  week: Type.Object({
    id: Type.String(),
    start: Type.String({ format: 'date-time' }),
    end: Type.String({ format: 'date-time', description: 'The first moment after the week' }),
    timezone: Type.String(),
    complete: Type.Boolean(),
    elapsed_fraction: Type.Number(),
  }),
  as_of: orNull(Type.String({ format: 'date-time' }), {
    description: 'When the newest input that the numbers rest on arrived; null where there is none',
  }),
  version: Type.Integer(),
  demo: Type.Boolean(),
  stats: WeekStats,
  highlights: Type.Array(Type.String()),
  uploads: Type.Array(ListedItem),
  updates: Type.Array(ListedItem),
  decisions: Type.Array(ListedItem),
  completed: Type.Array(ListedItem),
  pending: Type.Array(ListedItem),
  counts: Type.Object({
    uploads: Type.Object({ shown: Type.Integer(), total: Type.Integer() }),
    updates: Type.Object({ shown: Type.Integer(), total: Type.Integer() }),
    decisions: Type.Object({ shown: Type.Integer(), total: Type.Integer() }),
    completed: Type.Object({ shown: Type.Integer(), total: Type.Integer() }),
    pending: Type.Object({ shown: Type.Integer(), total: Type.Integer() }),
  }),
  chartData: Type.Object({
    weeklyActivity: Type.Array(DayActivity),
    categoryBreakdown: Type.Array(Slice),
    impactDistribution: Type.Array(Slice),
  }),
});
export type WeeklyData = Static<typeof WeeklyData>;

const ChangeOfStats = Type.Record(Type.KeyOf(WeekStats), orNull(Type.Number()));

/** The six numbers, those of the week before, and the change in percent. */
export const WeekComparison = Type.Interface([WeekStats], {
  previous: WeekStats,
  change: ChangeOfStats,
  change_reason: Type.Record(Type.String(), Type.String(), { description: 'Why a change is null, by number' }),
  comparison: Type.Object({
    basis: Type.Enum(['same_elapsed_part', 'full_week']),
    week: Type.String(),
    until: Type.String({ format: 'date-time', description: 'The moment up to which the week before is counted' }),
  }),
});
export type WeekComparison = Static<typeof WeekComparison>;

/** A review that waits. */
export const PendingReview = Type.Interface([ListedItem], { waitingHours: Type.Number() });
export type PendingReview = Static<typeof PendingReview>;

const NewItem = Type.Object(
  {
    kind: Type.Enum([...itemKinds]),
    title: Type.String({ minLength: 1, maxLength: 500 }),
    author: Type.String({ minLength: 1, maxLength: 200 }),
    category: Type.Optional(Type.String({ minLength: 1, maxLength: 100, default: 'General' })),
    impact: Type.Optional(Type.Enum([...impacts], { default: 'medium' })),
    status: Type.Optional(
      Type.String({ minLength: 1, maxLength: 50, description: '`done` unless told; for an open review `pending`' }),
    ),
    url: Type.Optional(
      orNull(
        Type.String({
          maxLength: 2_000,
          pattern: '^https?://[^\\s]+$',
          description: 'a web address such as https://example.org',
        }),
      ),
    ),
    external_id: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 200,
        description: 'The item’s id where it comes from: makes repeated posts harmless',
      }),
    ),
    occurred_at: Type.String({ format: 'date-time' }),
    resolved_at: Type.Optional(orNull(Type.String({ format: 'date-time' }))),
  },
  strict,
);
export type NewItem = Static<typeof NewItem>;

const tag = 'Weekly';
const envelope = 'success';

export const getSummary = defineEndpoint({
  id: 'weekly.getSummary',
  method: 'GET',
  path: '/api/weekly/summary',
  tag,
  envelope,
  summary: 'The weekly data object',
  query: WeekQuery,
  status: 200,
  response: WeeklyData,
  errors: [],
  example: { query: { week: 'current' }, response: exampleWeek },
});

export const getStats = defineEndpoint({
  id: 'weekly.getStats',
  method: 'GET',
  path: '/api/weekly/stats',
  tag,
  envelope,
  summary: 'The six numbers, compared with the week before',
  description: 'The running week is compared with the same elapsed part, by the local clock, of the week before.',
  query: WeekQuery,
  status: 200,
  response: WeekComparison,
  errors: [],
  example: { query: { week: 'current' }, response: exampleStats },
});

export const getActivity = defineEndpoint({
  id: 'weekly.getActivity',
  method: 'GET',
  path: '/api/weekly/activity',
  tag,
  envelope,
  summary: 'Seven days of activity, first day of the week first, zeros included',
  query: WeekQuery,
  status: 200,
  response: Type.Array(DayActivity),
  errors: [],
  example: { query: { week: 'current' }, response: exampleActivity },
});

export const listPending = defineEndpoint({
  id: 'weekly.listPending',
  method: 'GET',
  path: '/api/weekly/pending',
  tag,
  envelope,
  summary: 'Pending reviews, oldest first',
  description: 'The header X-Total-Count says how many there are; `limit` how many are answered.',
  query: Type.Object(
    { ...WeekQuery.properties, limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 5_000, default: 1_000 })) },
    strict,
  ),
  status: 200,
  response: Type.Array(PendingReview),
  errors: [],
  example: { query: { week: 'current' }, response: examplePending },
});

export const refreshWeek = defineEndpoint({
  id: 'weekly.refresh',
  method: 'POST',
  path: '/api/weekly/refresh',
  tag,
  envelope,
  summary: 'Recompute a week and push it to everyone who watches',
  description: 'In the demo organization it first adds the generated items that are due by now.',
  body: WeekQuery,
  isBodyOptional: true,
  status: 200,
  response: WeeklyData,
  errors: [],
  example: { body: { week: 'current' }, response: exampleWeek },
});

/** The formats that a week can be exported in. */
export const exportFormats = ['json', 'csv'] as const;

export const exportWeek = defineEndpoint({
  id: 'weekly.export',
  method: 'GET',
  path: '/api/weekly/export',
  tag,
  envelope,
  summary: 'A week as a file',
  description: 'json: the weekly data object. csv: every item of the week, and the reviews that were open at its end.',
  query: Type.Object(
    { ...WeekQuery.properties, format: Type.Optional(Type.Enum([...exportFormats], { default: 'json' })) },
    strict,
  ),
  status: 200,
  response: Type.String(),
  files: ['application/json', 'text/csv'],
  errors: [],
  example: { query: { week: 'current', format: 'json' }, response: JSON.stringify(exampleWeek) },
});

export const addItems = defineEndpoint({
  id: 'weekly.addItems',
  method: 'POST',
  path: '/api/weekly/items',
  tag,
  envelope,
  summary: 'Post activity items',
  description:
    'Up to 5,000 a call, all or none. An item with an external_id that is known is updated, or left as it is when nothing differs.',
  body: Type.Object({ items: Type.Array(NewItem, { minItems: 1, maxItems: 5_000 }) }, strict),
  maxBodyBytes: 8 * 1_048_576,
  status: 200,
  response: Type.Object({ inserted: Type.Integer(), updated: Type.Integer(), unchanged: Type.Integer() }),
  errors: [],
  isIdempotent: true,
  example: {
    body: {
      items: [
        {
          kind: 'update',
          title: 'Rewrote the onboarding guide',
          author: 'Ada',
          category: 'Documentation',
          impact: 'high',
          external_id: 'wiki-4711',
          occurred_at: '2024-12-18T10:15:00Z',
        },
      ],
    },
    response: { inserted: 1, updated: 0, unchanged: 0 },
  },
});
