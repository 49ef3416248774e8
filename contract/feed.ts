import { type Static, Type } from 'typebox';
import { addition, Business } from './businesses.ts';
import { defineEndpoint } from './endpoint.ts';

/** The payload of each event type that an organization's feed carries. */
export const feedPayloads = {
  /** A week's numbers changed; read the week again, or be sent it over the socket. */
  'weekly.changed': Type.Object({
    week: Type.String({ description: 'Week id, such as 2024-W51' }),
    week_start: Type.String({ format: 'date' }),
    version: Type.Integer(),
  }),
  /** The organization counts days and weeks in another way from here on; read anew what is shown by day or week. */
  'organization.calendar': Type.Object({
    timezone: Type.String(),
    first_day_of_week: Type.Integer({ minimum: 1, maximum: 7, description: '1 Monday … 7 Sunday' }),
  }),
  /** New values of a metric type were written, or its hours and days were counted anew. */
  metric_update: Type.Object({
    metric_type: Type.String(),
    as_of: Type.String({ format: 'date-time', description: 'The newest of the values’ times' }),
    metric_names: Type.Optional(
      Type.Array(Type.String(), { description: 'Of which metrics of the type; absent where they were many' }),
    ),
  }),
  /** A number of the organization's summary changed. */
  dashboard_update: Type.Object({
    data: Type.Optional(
      Type.Record(Type.String(), Type.Unknown(), {
        description: 'What a program that runs Almanac as a library has sent; without it, read the summary again',
      }),
    ),
  }),
  /** Members were active; read the numbers of now again. */
  user_activity: Type.Object({
    last_at: Type.String({ format: 'date-time', description: 'The newest of the activities’ times' }),
  }),
  /** A report was made, or could not be. */
  report_ready: Type.Object({
    report_id: Type.String({ format: 'uuid' }),
    status: Type.Enum(['generated', 'published', 'failed']),
    title: Type.String(),
  }),
  /** How far a background job has come. */
  'job.progress': Type.Object({
    job: Type.String(),
    run_id: Type.String({ format: 'uuid' }),
    fraction: Type.Number({ minimum: 0, maximum: 1 }),
    note: Type.String(),
  }),
  /** Something about the installation that its administrators are to know of; shown to them alone. */
  system_alert: Type.Object({
    id: Type.String({ format: 'uuid' }),
    kind: Type.String(),
    subject: Type.String(),
    message: Type.String(),
    state: Type.Enum(['open', 'past']),
    opened_at: Type.String({ format: 'date-time' }),
    ended_at: Type.Union([Type.String({ format: 'date-time' }), Type.Null()]),
  }),
  /** A business of one's own was made; shown to its owner alone, as are the next four. */
  'business.created': Type.Object({ business: Business, version: Type.Integer() }),
  'business.updated': Type.Object({ business: Business, version: Type.Integer() }),
  'business.deleted': Type.Object({ business_id: Type.String({ format: 'uuid' }), version: Type.Integer() }),
  /** Something was added to the numbers of a business: how much, and what they come to over all days. */
  'business.measured': Type.Object({
    business_id: Type.String({ format: 'uuid' }),
    version: Type.Integer(),
    ...addition,
  }),
  /** The KPIs over one's businesses are others; read them again. */
  'tenant.changed': Type.Object({ version: Type.Integer() }),
} as const;

/** The name of an event type. */
export type FeedEventType = keyof typeof feedPayloads;

/** The payload that goes with an event type. */
export type FeedPayload<EventType extends FeedEventType> = Static<(typeof feedPayloads)[EventType]>;

/** One event as a client meets it, by socket, by server-sent events or by polling. */
export const FeedMessage = Type.Object({
  id: Type.Integer({ description: 'Grows by commit order within the organization' }),
  previous_id: Type.Integer({
    description: 'The number before this one in what this client is shown; greater than the last one seen means a gap',
  }),
  type: Type.Enum(Object.keys(feedPayloads) as FeedEventType[]),
  payload: Type.Unknown(),
  created_at: Type.String({ format: 'date-time' }),
});

export type FeedMessage = Static<typeof FeedMessage>;

const eventTypes = Object.keys(feedPayloads).join(', ');

const FeedTypes = Type.Optional(
  Type.String({ maxLength: 500, description: `Only these types, separated by commas; there are ${eventTypes}` }),
);

export const readFeed = defineEndpoint({
  id: 'feed.read',
  method: 'GET',
  path: '/api/feed',
  tag: 'Feed',
  envelope: 'plain',
  summary: 'Events past a cursor',
  description:
    'Poll with the cursor of the last answer. `gone`: what came before is no longer kept; read the state anew.',
  query: Type.Object(
    {
      after: Type.Optional(
        Type.Integer({ minimum: 0, description: 'The last number seen; without it only the cursor is answered' }),
      ),
      types: FeedTypes,
      limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000, default: 100 })),
    },
    { additionalProperties: false },
  ),
  status: 200,
  response: Type.Object({ events: Type.Array(FeedMessage), cursor: Type.Integer(), gone: Type.Boolean() }),
  errors: [],
  example: {
    query: { after: 0 },
    response: {
      events: [
        {
          id: 1,
          previous_id: 0,
          type: 'weekly.changed',
          payload: { week: '2024-W51', week_start: '2024-12-16', version: 1 },
          created_at: '2024-12-18T10:15:02.000Z',
        },
      ],
      cursor: 1,
      gone: false,
    },
  },
});

export const streamFeedEvents = defineEndpoint({
  id: 'feed.stream',
  method: 'GET',
  path: '/api/feed/stream',
  tag: 'Feed',
  envelope: 'plain',
  summary: 'Events as they come, as server-sent events',
  description:
    'The header Last-Event-ID, or `after`, resumes past a cursor. The event `gone` says to read the state anew.',
  query: Type.Object(
    { after: Type.Optional(Type.Integer({ minimum: 0 })), types: FeedTypes },
    { additionalProperties: false },
  ),
  status: 200,
  response: Type.String(),
  files: ['text/event-stream'],
  errors: [],
  example: { query: {}, response: 'id: 1\nevent: weekly.changed\ndata: {"id":1}\n\n' },
});
