import { type Static, Type } from 'typebox';
import { Id, Time } from './identity.ts';
import { directions } from './metrics.ts';
import { orNull } from './or-null.ts';

/** What becomes of a report, in this order; a report whose making has failed can be made again. */
export const reportStatuses = ['draft', 'generating', 'generated', 'published', 'archived', 'failed'] as const;
export type ReportStatus = (typeof reportStatuses)[number];

const Day = Type.String({ format: 'date' });
const [TextOrNull, NumberOrNull, TimeOrNull] = [orNull(Type.String()), orNull(Type.Number()), orNull(Time)];

/** One number of a report, compared with the period before by the one rule of change. */
export const Figure = Type.Object({
  name: Type.String({ description: 'unique in its section' }),
  label: Type.String(),
  value: orNull(Type.Number(), { description: 'null where the period has none' }),
  unit: TextOrNull,
  direction: Type.Enum([...directions], { description: '`up`: more is better; `down`: less is' }),
  previous: NumberOrNull,
  change_percentage: NumberOrNull,
  change_reason: orNull(Type.String(), { description: 'why there is no percentage' }),
  as_of: orNull(Time, { description: 'the newest input that the number rests on' }),
  complete: Type.Boolean(),
});
export type Figure = Static<typeof Figure>;

const SeriesPoint = Type.Object({
  at: Type.String({ description: 'the first day of the step' }),
  value: NumberOrNull,
  partial: Type.Boolean({ description: 'true where the step is not over, or is not counted to its end' }),
  anomaly: Type.Boolean({ description: 'true where the value lies far off the trend' }),
});

/** Values that follow each other in time. */
export const Series = Type.Object({
  name: Type.String({ description: 'unique in its section' }),
  label: Type.String(),
  unit: TextOrNull,
  direction: Type.Enum([...directions]),
  step: Type.Enum(['day', 'week']),
  compared: Type.Integer({ description: 'how many steps are full and have a value' }),
  points: Type.Array(SeriesPoint),
});
export type Series = Static<typeof Series>;

/** A table as it is shown. */
export const ReportTable = Type.Object({
  name: Type.String(),
  title: Type.String(),
  columns: Type.Array(
    Type.Object({ name: Type.String(), label: Type.String(), type: Type.Enum(['text', 'number', 'date']) }),
  ),
  rows: Type.Array(Type.Array(Type.Union([Type.String(), Type.Number(), Type.Null()]))),
});
export type ReportTable = Static<typeof ReportTable>;

/** A sentence with the stored numbers that it says. */
export const Insight = Type.Object({
  kind: Type.Enum(['change', 'anomaly', 'record']),
  text: Type.String(),
  weight: Type.Number({ description: 'how much it tells, 0 to 100' }),
  refs: Type.Array(
    Type.Object({
      pointer: Type.String({ description: 'where the number stands in `numbers` (RFC 6901)' }),
      value: Type.Union([Type.Number(), Type.String()]),
    }),
  ),
});
export type Insight = Static<typeof Insight>;

/** A chart as a definition that ECharts draws. */
export const ReportChart = Type.Object({ name: Type.String(), title: Type.String(), option: Type.Unknown() });
export type ReportChart = Static<typeof ReportChart>;

const sectionContent = {
  position: Type.Integer(),
  section_type: Type.String(),
  section_title: Type.String(),
  status: Type.Enum(['ok', 'empty', 'failed']),
  reason: orNull(Type.String(), { description: 'why it is empty or failed' }),
  content: Type.String({ description: 'Markdown' }),
  charts_data: Type.Array(ReportChart),
  tables_data: Type.Array(ReportTable),
  insights: Type.Array(Insight),
  numbers: Type.Object({ figures: Type.Array(Figure), series: Type.Array(Series) }),
};

/** A section as it was made. */
export const SectionContent = Type.Object(sectionContent);
export type SectionContent = Static<typeof SectionContent>;

const Section = Type.Object({ id: Id, report_id: Id, ...sectionContent });

const Comparison = Type.Object({
  basis: Type.Enum(['same_elapsed_part', 'full_period']),
  period_start: Day,
  period_end: Day,
  until: Type.String({ format: 'date-time', description: 'up to when the period before is counted' }),
});
export type ReportComparison = Static<typeof Comparison>;

/** A report without its sections, as lists show it. */
export const Report = Type.Object({
  id: Id,
  organization_id: Id,
  report_period_start: Day,
  report_period_end: Type.String({ format: 'date', description: 'the last day' }),
  title: Type.String(),
  status: Type.Enum([...reportStatuses]),
  failure_reason: TextOrNull,
  executive_summary: TextOrNull,
  template_id: Id,
  template_version: Type.Integer(),
  origin: Type.Enum(['request', 'schedule'], { description: 'asked for, or made by the weekly job' }),
  timezone: orNull(Type.String(), { description: 'whose days the period is of; null until it is generated' }),
  comparison: orNull(Comparison, { description: 'what the numbers are compared with' }),
  content_hash: orNull(Type.String(), {
    description: 'SHA-256 of the content; of a published report it never changes',
  }),
  as_of: orNull(Time, { description: 'the newest input that the report rests on' }),
  complete: Type.Boolean({
    description: 'false where the period was not over, a section failed, or an input was not up to date',
  }),
  stale_inputs: Type.Array(Type.String(), { description: 'jobs that had not brought their part up to date' }),
  created_by: orNull(Id, { description: 'null for the weekly job, and once the account is erased' }),
  created_at: Time,
  updated_at: Time,
  generated_at: TimeOrNull,
  published_at: TimeOrNull,
  archived_at: TimeOrNull,
});
export type Report = Static<typeof Report>;

/** A report with its sections, none until it is generated. */
export const WholeReport = Type.Interface([Report], { sections: Type.Array(Section) });
export type WholeReport = Static<typeof WholeReport>;
