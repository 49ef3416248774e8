import { type Static, Type } from 'typebox';
import { defineEndpoint } from './endpoint.ts';
import { Id, LineOfText, Time } from './identity.ts';
import { pageOf, pageQuery } from './lists.ts';
import { orNull } from './or-null.ts';
import { exampleTemplate, exampleTemplateId, exampleTemplateSections } from './reports-examples.ts';

const strict = { additionalProperties: false };
const [tag, envelope] = ['Reports', 'plain'] as const;
const byId = Type.Object({ id: Id }, strict);
/** What the server alone decides: taken where a client sends back what it has read, and left as it is. */
const ServerOwned = Type.Optional(Type.Unknown({ description: 'not changed by what is sent' }));

/** The most sections that a template has. */
export const mostSections = 50;

/** A section as a template describes it; what else there is to say depends on the type. */
const ConfiguredSection = Type.Object(
  {
    type: Type.String({ minLength: 1, maxLength: 100 }),
    title: Type.Optional(LineOfText),
    include_charts: Type.Optional(Type.Boolean({ default: true })),
  },
  { description: 'the type, its title, whether charts are wanted, and the options of the type' },
);
export type ConfiguredSection = Static<typeof ConfiguredSection> & Readonly<Record<string, unknown>>;

const SectionsConfig = Type.Object(
  { sections: Type.Array(ConfiguredSection, { minItems: 1, maxItems: mostSections }) },
  strict,
);

/** A template in its newest version. */
export const ReportTemplate = Type.Object({
  id: Id,
  organization_id: Id,
  name: Type.String(),
  version: Type.Integer({ description: 'raised by each change; reports keep theirs' }),
  is_default: Type.Boolean(),
  sections_config: Type.Object({ sections: Type.Array(Type.Record(Type.String(), Type.Unknown())) }),
  created_by: orNull(Id),
  created_at: Time,
  updated_at: Time,
});
export type ReportTemplate = Static<typeof ReportTemplate>;

export const listReportTemplates = defineEndpoint({
  id: 'reportTemplates.list',
  method: 'GET',
  path: '/api/report-templates',
  tag,
  envelope,
  summary: 'Templates, the oldest first',
  description: 'The default one is made when it is first needed.',
  query: Type.Object({ ...pageQuery }, strict),
  status: 200,
  response: pageOf(ReportTemplate),
  errors: [],
  example: { query: { limit: 20 }, response: { items: [exampleTemplate], next_cursor: null } },
});

const templateFields = { name: LineOfText, sections_config: SectionsConfig };
const templateParams = { id: exampleTemplateId };

export const addReportTemplate = defineEndpoint({
  id: 'reportTemplates.create',
  method: 'POST',
  path: '/api/report-templates',
  tag,
  envelope,
  summary: 'Make a template',
  description: 'As the default one it takes the place of the one that was.',
  body: Type.Object({ ...templateFields, is_default: Type.Optional(Type.Boolean({ default: false })) }, strict),
  isIdempotent: true,
  status: 201,
  response: ReportTemplate,
  errors: [],
  example: { body: { name: 'Weekly report', sections_config: exampleTemplateSections }, response: exampleTemplate },
});

export const getReportTemplate = defineEndpoint({
  id: 'reportTemplates.get',
  method: 'GET',
  path: '/api/report-templates/:id',
  tag,
  envelope,
  summary: 'A template in its newest version',
  params: byId,
  status: 200,
  response: ReportTemplate,
  errors: ['NOT_FOUND'],
  example: { params: templateParams, response: exampleTemplate },
});

export const updateReportTemplate = defineEndpoint({
  id: 'reportTemplates.update',
  method: 'PUT',
  path: '/api/report-templates/:id',
  tag,
  envelope,
  summary: 'Change the fields of a template that are given',
  description: 'Reports that are there keep the version that they were made with.',
  params: byId,
  body: Type.Object(
    {
      name: Type.Optional(LineOfText),
      sections_config: Type.Optional(SectionsConfig),
      is_default: Type.Optional(Type.Boolean()),
      ...Object.fromEntries(
        ['id', 'organization_id', 'version', 'created_by', 'created_at', 'updated_at'].map((name) => [
          name,
          ServerOwned,
        ]),
      ),
    },
    strict,
  ),
  status: 200,
  response: ReportTemplate,
  errors: ['NOT_FOUND'],
  example: { params: templateParams, body: { name: 'Weekly report' }, response: exampleTemplate },
});

export const deleteReportTemplate = defineEndpoint({
  id: 'reportTemplates.delete',
  method: 'DELETE',
  path: '/api/report-templates/:id',
  tag,
  envelope,
  summary: 'Delete a template',
  description: 'Reports made with it stay. Without a default one, the next report has it made anew.',
  params: byId,
  status: 204,
  response: Type.Null(),
  errors: ['NOT_FOUND'],
  example: { params: templateParams, response: null },
});
