import type { WholeReport } from '@almanac/contract/report-content.ts';
import { requireFormat, writeExport } from '#features/reports/index.ts';
import { isId } from '#kernel/ids.ts';
import { validationFailed } from '#platform/errors/app-error.ts';
import { actFor } from './act-for.ts';
import { type AlmanacHandle, takeAlmanac } from './open-almanac.ts';

/** Which report is to be generated, and with `exportFormat` also written as a file; there is json. */
export interface ReportRequest {
  reportId: string;
  organizationId: string;
  exportFormat?: string;
}

/** A report as a file. */
export interface ExportedReport {
  format: string;
  mediaType: string;
  fileName: string;
  content: Buffer;
}

/** A report with its sections; with its file where that was asked for. */
export type GeneratedReport = WholeReport & { export?: ExportedReport };

/** Generates reports, as POST /api/reports/{id}/generate?wait=true does. */
export class ReportGenerator {
  readonly #given: AlmanacHandle | undefined;

  /** Works on what `openAlmanac()` answers; on the database that the environment names unless given. */
  constructor(almanac?: AlmanacHandle) {
    this.#given = almanac;
  }

  /**
   * Fills a report with the numbers of its period, and answers it. Throws VALIDATION_ERROR for what is no id or a format
   * that there is not, NOT_FOUND, and CONFLICT for a report that is published or archived.
   */
  async generateReport({ reportId, organizationId, exportFormat }: ReportRequest): Promise<GeneratedReport> {
    if (exportFormat !== undefined) requireFormat(exportFormat, 'exportFormat');
    const id = String(reportId).toLowerCase();
    if (!isId(id)) throw validationFailed([{ field: 'reportId', issue: `'${id}' is not the id of a report, a UUID` }]);
    const almanac = await takeAlmanac(this.#given);
    const principal = await actFor(almanac, organizationId);
    const { service } = almanac.features.reports;
    const report = await service.generate(principal, id);
    if (exportFormat === undefined) return report;
    const { content } = writeExport(await service.export(principal, id));
    const file = { format: exportFormat, mediaType: 'application/json', fileName: `report-${id}.json`, content };
    return { ...report, export: file };
  }
}
