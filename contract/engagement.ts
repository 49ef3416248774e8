import { type Static, Type } from 'typebox';
import { defineEndpoint } from './endpoint.ts';
import { Id, LineOfText } from './identity.ts';
import { orNull } from './or-null.ts';

const strict = { additionalProperties: false };

/** How many events one call takes. */
export const mostEvents = 10_000;
/** The longest duration of an activity: a week. */
const longestSeconds = 604_800;

/** Something that a member did. */
export const ActivityEvent = Type.Object(
  {
    id: Type.Optional({
      ...Id,
      description: 'the same id and time again is ignored; made up where it is left out',
    }),
    user_id: Type.Optional({
      ...Id,
      description: 'the caller where it is left out; another member takes the role admin or higher, or an API key',
    }),
    activity_type: LineOfText,
    session_id: Type.Optional(orNull(LineOfText)),
    duration_seconds: Type.Optional(orNull(Type.Integer({ minimum: 0, maximum: longestSeconds }))),
    metadata: Type.Optional(orNull(Type.Record(Type.String(), Type.Unknown(), { maxProperties: 100 }))),
    created_at: Type.Optional(
      Type.String({
        format: 'date-time',
        description: 'now where it is left out; at most 5 minutes ahead and 90 days ago',
      }),
    ),
  },
  strict,
);
export type ActivityEvent = Static<typeof ActivityEvent>;

export const addActivity = defineEndpoint({
  id: 'engagement.addActivity',
  method: 'POST',
  path: '/api/activity',
  tag: 'Activity',
  envelope: 'plain',
  summary: 'Write down what members did',
  description:
    `\`{"events": [...]}\` with up to ${mostEvents}, or one event by itself: all are written, or none. Events with an ` +
    '`id` and a time count once, however often they are sent. They are kept 90 days, in whole months.',
  body: Type.Object({ events: Type.Array(ActivityEvent, { minItems: 1, maxItems: mostEvents }) }, strict),
  listField: 'events',
  maxBodyBytes: 8 * 1024 * 1024,
  status: 202,
  response: Type.Object({ accepted: Type.Integer(), duplicates: Type.Integer() }),
  errors: [],
  isIdempotent: true,
  example: {
    body: {
      events: [
        { activity_type: 'assessment_start', session_id: 's-4711', duration_seconds: 90, metadata: { step: 1 } },
      ],
    },
    response: { accepted: 1, duplicates: 0 },
  },
});
