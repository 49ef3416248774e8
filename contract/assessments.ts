import { type Static, Type } from 'typebox';
import { defineEndpoint } from './endpoint.ts';
import { Id, LineOfText, Time } from './identity.ts';
import { pageOf, pageQuery } from './lists.ts';
import { orNull } from './or-null.ts';

const strict = { additionalProperties: false };
const tag = 'Assessments';
const envelope = 'plain';

/** The five traits of a personality, by their usual names. */
export const traits = ['openness', 'conscientiousness', 'extraversion', 'agreeableness', 'neuroticism'] as const;
export type Trait = (typeof traits)[number];

/** How far an assessment has come. */
export const assessmentStatuses = ['draft', 'in_progress', 'completed', 'archived'] as const;
export type AssessmentStatus = (typeof assessmentStatuses)[number];

const Score = Type.Number({ minimum: 0, maximum: 100 });
const OceanScores = Type.Object(
  {
    openness: Type.Optional(Score),
    conscientiousness: Type.Optional(Score),
    extraversion: Type.Optional(Score),
    agreeableness: Type.Optional(Score),
    neuroticism: Type.Optional(Score),
  },
  strict,
);
export type OceanScores = Static<typeof OceanScores>;
const FacetScores = Type.Record(Type.String(), Score, {
  additionalProperties: false,
  maxProperties: 100,
  propertyNames: { maxLength: 100 },
  description: 'by the name of the facet',
});
export type FacetScores = Static<typeof FacetScores>;

const Status = Type.Enum([...assessmentStatuses]);
const Department = Type.Optional(orNull(LineOfText));

/** An assessment of a member. */
export const Assessment = Type.Object({
  id: Id,
  organization_id: Id,
  user_id: Id,
  department: orNull(Type.String()),
  role: orNull(Type.String()),
  status: Status,
  ocean_scores: OceanScores,
  facet_scores: FacetScores,
  created_at: Time,
  updated_at: Time,
  completed_at: orNull(Time),
});
export type Assessment = Static<typeof Assessment>;

const scores = { openness: 72, conscientiousness: 64.5, extraversion: 41, agreeableness: 58, neuroticism: 33 };
const example = {
  id: '01938f6e-2b7a-7c3e-9a51-0f1e2d3c4b5f',
  organization_id: '01938f6e-2b7a-7c3e-9a51-0f1e2d3c4b5e',
  user_id: '01938f6e-2b7a-7c3e-9a51-0f1e2d3c4b5a',
  department: 'Research',
  role: 'Engineer',
  status: 'completed',
  ocean_scores: scores,
  facet_scores: { imagination: 70 },
  created_at: '2024-12-16T09:30:00.000Z',
  updated_at: '2024-12-18T09:30:00.000Z',
  completed_at: '2024-12-18T09:30:00.000Z',
};

export const listAssessments = defineEndpoint({
  id: 'assessments.list',
  method: 'GET',
  path: '/api/assessments',
  tag,
  envelope,
  summary: 'Assessments, the newest first',
  query: Type.Object(
    {
      user_id: Type.Optional(Id),
      status: Type.Optional(Status),
      department: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
      role: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
      ...pageQuery,
    },
    strict,
  ),
  status: 200,
  response: pageOf(Assessment),
  errors: [],
  example: { query: { status: 'completed' }, response: { items: [example], next_cursor: null } },
});

export const addAssessment = defineEndpoint({
  id: 'assessments.create',
  method: 'POST',
  path: '/api/assessments',
  tag,
  envelope,
  summary: 'Begin an assessment, or put in one that is done',
  description: 'One’s own; that of another member takes the role admin or higher. A completed one has all five scores.',
  body: Type.Object(
    {
      user_id: Type.Optional({ ...Id, description: 'the caller where it is left out' }),
      department: Department,
      role: Department,
      status: Type.Optional(Type.Enum(['draft', 'in_progress', 'completed'], { default: 'draft' })),
      ocean_scores: Type.Optional(OceanScores),
      facet_scores: Type.Optional(FacetScores),
    },
    strict,
  ),
  isIdempotent: true,
  status: 201,
  response: Assessment,
  errors: [],
  example: {
    body: { department: 'Research', role: 'Engineer', status: 'completed', ocean_scores: scores },
    response: { ...example, facet_scores: {} },
  },
});

/** What the server alone decides: taken where a client sends back what it has read, and left as it is. */
const ServerOwned = Type.Optional(Type.Unknown({ description: 'not changed by what is sent' }));

export const updateAssessment = defineEndpoint({
  id: 'assessments.update',
  method: 'PUT',
  path: '/api/assessments/:id',
  tag,
  envelope,
  summary: 'Change an assessment',
  description:
    'The fields given are changed, scores as a whole. A draft goes to in_progress, completed or archived, one in progress ' +
    'to draft, completed or archived, a completed one, which has all five scores, to archived alone; an archived one ' +
    'changes no more.',
  params: Type.Object({ id: Id }, strict),
  body: Type.Object(
    {
      department: Department,
      role: Department,
      status: Type.Optional(Status),
      ocean_scores: Type.Optional(OceanScores),
      facet_scores: Type.Optional(FacetScores),
      id: ServerOwned,
      organization_id: ServerOwned,
      user_id: ServerOwned,
      created_at: ServerOwned,
      updated_at: ServerOwned,
      completed_at: ServerOwned,
    },
    strict,
  ),
  status: 200,
  response: Assessment,
  errors: ['NOT_FOUND', 'CONFLICT'],
  example: { params: { id: example.id }, body: { status: 'completed', ocean_scores: scores }, response: example },
});

/** What assessments are grouped by. */
export const aggregationTypes = ['ocean_department', 'ocean_role'] as const;
export type AggregationType = (typeof aggregationTypes)[number];

/** How many people a group has at least, whose averages are shown. */
export const leastPeople = 5;

const Averages = Type.Object({
  openness: Type.Number(),
  conscientiousness: Type.Number(),
  extraversion: Type.Number(),
  agreeableness: Type.Number(),
  neuroticism: Type.Number(),
});

export const getAggregations = defineEndpoint({
  id: 'assessments.aggregations',
  method: 'GET',
  path: '/api/dashboard/aggregations',
  tag: 'Dashboard',
  envelope,
  summary: 'Average scores by department or by role',
  description:
    'Of the newest completed assessment of each person in the 90 days before, computed once a day. A group of fewer than ' +
    `${leastPeople} people is suppressed, and the next smaller ones with it until all that are add up to ${leastPeople} ` +
    'people, so that no total tells of them. So it is with facets.',
  query: Type.Object({ type: Type.Enum([...aggregationTypes]) }, strict),
  status: 200,
  response: Type.Object({
    aggregation_type: Type.Enum([...aggregationTypes]),
    least_people: Type.Integer(),
    groups: Type.Array(
      Type.Object({
        aggregation_key: orNull(Type.String(), { description: 'null for those without one' }),
        suppressed: Type.Boolean(),
        people: orNull(Type.Integer()),
        ocean_scores: orNull(Averages),
        facet_scores: orNull(Type.Record(Type.String(), Type.Number())),
      }),
    ),
    as_of: orNull(Time, { description: 'when it was computed; null where there is nothing' }),
    complete: Type.Boolean({ description: 'false where it was not computed today' }),
  }),
  errors: [],
  example: {
    query: { type: 'ocean_department' },
    response: {
      aggregation_type: 'ocean_department',
      least_people: leastPeople,
      groups: [
        {
          aggregation_key: 'Research',
          suppressed: false,
          people: 12,
          ocean_scores: scores,
          facet_scores: { imagination: 70 },
        },
        { aggregation_key: null, suppressed: true, people: null, ocean_scores: null, facet_scores: null },
      ],
      as_of: '2024-12-18T02:00:00.000Z',
      complete: true,
    },
  },
});
