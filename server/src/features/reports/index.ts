export { requireFormat, writeExport } from './export-report.ts';
export { createReportsFeature, type ReportsFeature } from './reports.feature.ts';
export { reportsTopic } from './reports.service.ts';
export { compareFigure, defineSectionType, type ReportPeriod, type SectionType } from './section-type.ts';
