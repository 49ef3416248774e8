import type { Figure, ReportChart, ReportTable, SectionContent, Series } from '@almanac/contract/report-content.ts';
import type { SectionData } from './section-type.ts';
import { writeInsights } from './write-insights.ts';

/** What is said of a section before anything is read for it. */
export interface SectionHead {
  readonly position: number;
  readonly type: string;
  readonly title: string;
  readonly includeCharts: boolean;
}

const nothing = { content: '', charts_data: [], tables_data: [], insights: [], numbers: { figures: [], series: [] } };

const describeHead = ({ position, type, title }: SectionHead) => ({
  position,
  section_type: type,
  section_title: title,
});

/** Makes a section of what was read: tables, charts and sentences, all of the same numbers. */
export function buildSection(head: SectionHead, data: SectionData): SectionContent {
  const { figures, tables = [], notes = [], text = '' } = data;
  const series = (data.series ?? []).map(countCompared);
  if (isEmpty(data)) {
    const reason = 'There is nothing of this period.';
    const content = [reason, ...notes].join('\n\n');
    return {
      ...describeHead(head),
      ...nothing,
      status: 'empty',
      reason,
      content,
      numbers: { figures: [...figures], series },
    };
  }
  const insights = writeInsights(figures, series);
  const sentences = insights.map((insight) => `- ${insight.text}`).join('\n');
  return {
    ...describeHead(head),
    status: 'ok',
    reason: null,
    content: [text, sentences, ...notes].filter((part) => part !== '').join('\n\n'),
    charts_data: head.includeCharts ? [...chartFigures(head, figures), ...series.map(chartSeries)] : [],
    tables_data: [...tableFigures(figures), ...series.map(tableSeries), ...tables],
    insights,
    numbers: { figures: [...figures], series },
  };
}

/** A section that could not be read, with the reason for whoever reads the report. */
export function buildFailedSection(head: SectionHead, reason: string): SectionContent {
  return { ...describeHead(head), ...nothing, status: 'failed', reason };
}

function isEmpty({ figures, series = [], tables = [], text = '', ...said }: SectionData): boolean {
  const hasValue = ({ value }: { value: number | null }) => value !== null;
  const hasNumbers = figures.some(hasValue) || series.some(({ points }) => points.some(hasValue));
  return said.isEmpty ?? !(hasNumbers || tables.some(({ rows }) => rows.length > 0) || text !== '');
}

function countCompared(series: Omit<Series, 'compared'>): Series {
  return { ...series, compared: series.points.filter(({ value, partial }) => value !== null && !partial).length };
}

function tableFigures(figures: readonly Figure[]): ReportTable[] {
  if (figures.length === 0) return [];
  return [
    {
      name: 'figures',
      title: 'Numbers',
      columns: [
        { name: 'label', label: 'Number', type: 'text' },
        { name: 'value', label: 'Value', type: 'number' },
        { name: 'unit', label: 'Unit', type: 'text' },
        { name: 'previous', label: 'Before', type: 'number' },
        { name: 'change_percentage', label: 'Change in %', type: 'number' },
        { name: 'change_reason', label: 'Why none', type: 'text' },
      ],
      rows: figures.map(({ label, value, unit, previous, change_percentage, change_reason }) => [
        label,
        value,
        unit,
        previous,
        change_percentage,
        change_reason,
      ]),
    },
  ];
}

function tableSeries({ name, label, step, points }: Series): ReportTable {
  return {
    name,
    title: label,
    columns: [
      { name: 'at', label: step === 'day' ? 'Day' : 'Week of', type: 'date' },
      { name: 'value', label, type: 'number' },
      { name: 'partial', label: 'Not over', type: 'text' },
    ],
    rows: points.map(({ at, value, partial }) => [at, value, partial ? 'yes' : null]),
  };
}

/** A partial step looks partial, and a missing one is a gap. */
const toMark = (value: number | null, isPartial: boolean) =>
  isPartial && value !== null ? { value, itemStyle: { opacity: 0.4 } } : value;

function chartSeries({ name, label, unit, points }: Series): ReportChart {
  return {
    name,
    title: label,
    option: {
      title: { text: label },
      tooltip: { trigger: 'axis' },
      xAxis: { type: 'category', data: points.map(({ at }) => at) },
      yAxis: { type: 'value', name: unit ?? '' },
      series: [{ type: 'line', name: label, connectNulls: false, data: points.map((p) => toMark(p.value, p.partial)) }],
    },
  };
}

/** Figures of one unit stand beside each other, with the period before: one chart a unit that two or more share. */
function chartFigures({ title }: SectionHead, figures: readonly Figure[]): ReportChart[] {
  const known = figures.filter(({ value }) => value !== null);
  return [...Map.groupBy(known, ({ unit }) => unit ?? '')]
    .filter(([, shown]) => shown.length > 1)
    .map(([unit, shown]) => {
      const text = unit === '' ? title : `${title} (${unit})`;
      return {
        name: `figures_${unit}`,
        title: text,
        option: {
          title: { text },
          tooltip: { trigger: 'axis' },
          legend: {},
          xAxis: { type: 'category', data: shown.map(({ label }) => label) },
          yAxis: { type: 'value', name: unit },
          series: [
            { type: 'bar', name: 'Before', data: shown.map(({ previous }) => previous) },
            { type: 'bar', name: 'This period', data: shown.map((f) => toMark(f.value, !f.complete)) },
          ],
        },
      };
    });
}
