import { Type } from 'typebox';
import { mostDays } from './dashboard.ts';
import { defineEndpoint } from './endpoint.ts';
import { Id, LineOfText } from './identity.ts';
import { pageOf, pageQuery } from './lists.ts';
import { orNull } from './or-null.ts';
import { Report, reportStatuses, WholeReport } from './report-content.ts';
import { exampleReport, exampleSections } from './reports-examples.ts';

const strict = { additionalProperties: false };
const [tag, envelope] = ['Reports', 'plain'] as const;

/** The version of the shape of an exported report. */
export const reportSchemaVersion = 1;

const Day = Type.String({ format: 'date' });
const whole = { ...exampleReport, sections: exampleSections };
const byId = Type.Object({ id: Id }, strict);
const params = { id: exampleReport.id };

export const listReports = defineEndpoint({
  id: 'reports.list',
  method: 'GET',
  path: '/api/reports',
  tag,
  envelope,
  summary: 'Reports, the newest first',
  query: Type.Object(
    {
      status: Type.Optional(Type.Enum([...reportStatuses])),
      period_start: Type.Optional(Type.String({ format: 'date', description: 'of periods that begin on it or later' })),
      period_end: Type.Optional(Type.String({ format: 'date', description: 'of periods that end on it or before' })),
      template_id: Type.Optional(Id),
      ...pageQuery,
    },
    strict,
  ),
  status: 200,
  response: pageOf(Report),
  errors: [],
  example: { query: { status: 'generated', limit: 20 }, response: { items: [exampleReport], next_cursor: null } },
});

const newReport = {
  title: LineOfText,
  report_period_start: Day,
  report_period_end: Type.String({ format: 'date', description: `the last day; at most ${mostDays} days in all` }),
};

export const addReport = defineEndpoint({
  id: 'reports.create',
  method: 'POST',
  path: '/api/reports',
  tag,
  envelope,
  summary: 'Make a draft',
  description:
    'Without `template_id` it is of the organization’s default template. It keeps the version that the template has now, ' +
    'whatever becomes of the template.',
  body: Type.Object({ ...newReport, template_id: Type.Optional(orNull(Id)) }, strict),
  isIdempotent: true,
  status: 201,
  response: WholeReport,
  errors: [],
  example: {
    body: {
      title: 'Weekly Performance Report',
      report_period_start: '2024-01-01',
      report_period_end: '2024-01-07',
    },
    response: { ...whole, ...draftOf() },
  },
});

function draftOf() {
  const nothing = { executive_summary: null, timezone: null, comparison: null, content_hash: null, as_of: null };
  return { ...nothing, status: 'draft', complete: false, generated_at: null, sections: [] } as const;
}

export const getReport = defineEndpoint({
  id: 'reports.get',
  method: 'GET',
  path: '/api/reports/:id',
  tag,
  envelope,
  summary: 'A report with its sections',
  params: byId,
  status: 200,
  response: WholeReport,
  errors: ['NOT_FOUND'],
  example: { params, response: whole },
});

/** What the server alone decides: taken where a client sends back what it has read, and left as it is. */
const ServerOwned = Type.Optional(Type.Unknown({ description: 'not changed by what is sent' }));
const serverOwned = Object.fromEntries(
  Object.keys(Type.Omit(Report, ['title', 'report_period_start', 'report_period_end', 'template_id']).properties)
    .concat('sections')
    .map((name) => [name, ServerOwned]),
);

export const updateReport = defineEndpoint({
  id: 'reports.update',
  method: 'PUT',
  path: '/api/reports/:id',
  tag,
  envelope,
  summary: 'Change the fields of a report that are given',
  description:
    'Another period or template makes it a draft again, of the newest version of the template. A published or archived ' +
    'report cannot be changed, nor one that is being generated.',
  params: byId,
  body: Type.Object(
    {
      title: Type.Optional(LineOfText),
      report_period_start: Type.Optional(Day),
      report_period_end: Type.Optional(Day),
      template_id: Type.Optional(Id),
      ...serverOwned,
    },
    strict,
  ),
  status: 200,
  response: WholeReport,
  errors: ['NOT_FOUND', 'CONFLICT'],
  example: { params, body: { title: 'Weekly Performance Report' }, response: whole },
});

export const deleteReport = defineEndpoint({
  id: 'reports.delete',
  method: 'DELETE',
  path: '/api/reports/:id',
  tag,
  envelope,
  summary: 'Delete a report',
  description: 'A published report is archived first; one that is being generated stays until that has ended.',
  params: byId,
  status: 204,
  response: Type.Null(),
  errors: ['NOT_FOUND', 'CONFLICT'],
  example: { params, response: null },
});

export const generateReport = defineEndpoint({
  id: 'reports.generate',
  method: 'POST',
  path: '/api/reports/:id/generate',
  tag,
  envelope,
  summary: 'Fill a report with the numbers of its period',
  description:
    'In the background: 202 with the run of the job, whose progress and end (`report_ready`) the feed tells. With ' +
    '`wait=true` it answers 200 with the report. Calls that come while it is generated are one with that. A section that ' +
    'cannot be read says why, and the others stand. A published or archived report cannot be generated.',
  params: byId,
  query: Type.Object({ wait: Type.Optional(Type.Boolean({ default: false })) }, strict),
  body: Type.Object({}, strict),
  isBodyOptional: true,
  status: 202,
  furtherStatuses: [200],
  response: Type.Union([Type.Object({ job_id: Id }, strict), WholeReport]),
  errors: ['NOT_FOUND', 'CONFLICT'],
  example: {
    params,
    query: {},
    body: {},
    response: { job_id: '01938f6e-2b7a-7c3e-9a51-0f1e2d3c4b90' },
  },
});

export const publishReport = defineEndpoint({
  id: 'reports.publish',
  method: 'POST',
  path: '/api/reports/:id/publish',
  tag,
  envelope,
  summary: 'Publish a generated report',
  description: 'From then on its content, and so its hash, never changes.',
  params: byId,
  body: Type.Object({}, strict),
  isBodyOptional: true,
  status: 200,
  response: WholeReport,
  errors: ['NOT_FOUND', 'CONFLICT'],
  example: {
    params,
    body: {},
    response: { ...whole, status: 'published', published_at: '2024-01-08T09:15:00.000Z' },
  },
});

export const archiveReport = defineEndpoint({
  id: 'reports.archive',
  method: 'POST',
  path: '/api/reports/:id/archive',
  tag,
  envelope,
  summary: 'Archive a generated or published report',
  params: byId,
  body: Type.Object({}, strict),
  isBodyOptional: true,
  status: 200,
  response: WholeReport,
  errors: ['NOT_FOUND', 'CONFLICT'],
  example: { params, body: {}, response: { ...whole, status: 'archived', archived_at: '2024-02-01T09:15:00.000Z' } },
});

export const exportReport = defineEndpoint({
  id: 'reports.export',
  method: 'GET',
  path: '/api/reports/:id/export',
  tag,
  envelope,
  summary: 'A report as a file',
  description:
    'The whole report as JSON, with a manifest: rows, period, zone, as_of, whether anything was cut short, and the ' +
    'SHA-256 of `report` with its keys in order. The headers say the same, and `Repr-Digest` (RFC 9530) is of the file.',
  params: byId,
  query: Type.Object(
    {
      format: Type.Optional(Type.String({ maxLength: 20, description: 'json', default: 'json' })),
      include_charts: Type.Optional(Type.Boolean({ default: true })),
    },
    strict,
  ),
  status: 200,
  response: Type.String(),
  files: ['application/json'],
  errors: ['NOT_FOUND', 'CONFLICT'],
  example: { params, query: { format: 'json' }, response: `{"schema": "almanac.report", "schema_version": 1}` },
});
