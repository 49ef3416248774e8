import { createHash } from 'node:crypto';
import type { SectionContent, WholeReport } from '@almanac/contract/report-content.ts';
import { reportSchemaVersion } from '@almanac/contract/reports.ts';
import { conflict, validationFailed } from '#platform/errors/app-error.ts';
import { quote } from '#platform/http/quote.ts';

/** The formats that a report is exported in. */
const formats = ['json'];

type Contentful = Pick<
  WholeReport,
  | 'title'
  | 'report_period_start'
  | 'report_period_end'
  | 'timezone'
  | 'comparison'
  | 'executive_summary'
  | 'template_id'
  | 'template_version'
  | 'as_of'
  | 'complete'
  | 'stale_inputs'
> & { readonly sections: readonly SectionContent[] };

/** What a report says: the same data gives the same, whenever and by whomever it is generated. It names no person. */
export function contentOf(report: Contentful) {
  const { title, report_period_start, report_period_end, timezone, comparison, executive_summary } = report;
  const { template_id, template_version, as_of, complete, stale_inputs } = report;
  return {
    ...{ title, report_period_start, report_period_end, timezone, comparison, executive_summary },
    ...{ template_id, template_version, as_of, complete, stale_inputs },
    sections: report.sections.map((section) => {
      const { position, section_type, section_title, status, reason, content } = section;
      const { numbers, tables_data, charts_data, insights } = section;
      return {
        ...{ position, section_type, section_title, status, reason, content },
        ...{ numbers, tables_data, charts_data, insights },
      };
    }),
  };
}

/** SHA-256, in hexadecimal digits, of a value as JSON without blanks whose objects have their keys in order. */
export function hashContent(value: unknown): string {
  return createHash('sha256').update(toCanonicalJson(value)).digest('hex');
}

function toCanonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}

/** How a report is to be exported. */
export interface ExportOptions {
  readonly format?: string | undefined;
  readonly include_charts?: boolean | undefined;
}

/** Throws VALIDATION_ERROR for a format that there is not. */
export function requireFormat(format: string, field = 'format'): void {
  if (formats.includes(format)) return;
  throw validationFailed([
    { field, issue: `${quote(format)} is not a format of reports; there is ${formats.join(', ')}` },
  ]);
}

/** The document of a report, with its manifest. Throws CONFLICT for one that has no content. */
export function describeExport(report: WholeReport, { include_charts = true }: ExportOptions = {}) {
  const { status, generated_at, timezone, as_of, complete, report_period_start, report_period_end } = report;
  if (!['generated', 'published', 'archived'].includes(status)) {
    throw conflict(`The report '${report.id}' is ${status}: it can be exported once it is generated.`);
  }
  const content = contentOf(report);
  const sections = content.sections.map((section) => (include_charts ? section : { ...section, charts_data: [] }));
  const exported = { ...content, sections };
  const tables = sections.flatMap(({ tables_data }) => tables_data);
  return {
    schema: 'almanac.report',
    schema_version: reportSchemaVersion,
    manifest: {
      format: 'json',
      report_id: report.id,
      status,
      generated_at,
      period: { start: report_period_start, end: report_period_end },
      timezone,
      as_of,
      complete,
      filters: { include_charts },
      sections: sections.length,
      tables: tables.length,
      rows: tables.reduce((sum, { rows }) => sum + rows.length, 0),
      truncated: false,
      sha256: hashContent(exported),
    },
    report: exported,
  };
}

/** A report in a file of this shape. */
export type ReportExport = ReturnType<typeof describeExport>;

/** The file's bytes, and what of the manifest goes into headers. */
export function writeExport(document: ReportExport): { content: Buffer; headers: Record<string, string> } {
  const content = Buffer.from(`${JSON.stringify(document, null, 2)}\n`);
  const { rows, truncated, sha256, period, timezone, as_of } = document.manifest;
  return {
    content,
    headers: {
      'x-report-rows': String(rows),
      'x-report-truncated': String(truncated),
      'x-report-sha256': sha256,
      'x-report-period': `${period.start}/${period.end}`,
      'x-report-timezone': timezone ?? '',
      'x-report-as-of': as_of ?? '',
      'repr-digest': `sha-256=:${createHash('sha256').update(content).digest('base64')}:`,
    },
  };
}
