import type { Figure, Insight, ReportComparison, SectionContent, Series } from '@almanac/contract/report-content.ts';
import { roundDecimal } from '#kernel/rounding.ts';

/** A change is worth a sentence from this many percent on. */
const leastPercent = 10;
const mostChanges = 3;
/** A record needs this many steps to be one of. */
const leastForRecord = 5;
const [anomalyWeight, recordWeight, largestWeight] = [80, 60, 100];
const mostInSummary = 5;

/**
 * What stands out, by these rules, the weightiest first:
 * 1. the three largest changes, from 10 % on;
 * 2. a last full day or week that lies far off the trend of its series;
 * 3. one that is above all before it, at least four; below, where less is better.
 * Each sentence bears the places of its numbers among the section's own; those it says are rounded to two decimals.
 */
export function writeInsights(figures: readonly Figure[], series: readonly Series[]): Insight[] {
  const changes = figures.flatMap(describeChange).sort(byWeight).slice(0, mostChanges);
  return [...changes, ...series.flatMap(describeLast)].sort(byWeight);
}

/** The weightiest sentences of all sections, behind what they are of and before what is to be known of them. */
export function writeSummary(
  sections: readonly SectionContent[],
  told: { start: string; end: string; comparison: ReportComparison; complete: boolean },
): string {
  const { start, end, comparison, complete } = told;
  const texts = sections
    .flatMap(({ insights }) => insights)
    .sort(byWeight)
    .map(({ text }) => text);
  const chosen = [...new Set(texts)].slice(0, mostInSummary);
  const part = comparison.basis === 'same_elapsed_part' ? 'the same part of ' : '';
  const failed = sections.filter(({ status }) => status === 'failed').map(({ section_title }) => `“${section_title}”`);
  return [
    `${start} to ${end}, compared with ${part}${comparison.period_start} to ${comparison.period_end}.`,
    ...(chosen.length > 0 ? chosen : ['No number stands out.']),
    ...(failed.length > 0 ? [`Could not be made: ${failed.join(', ')}.`] : []),
    ...(complete ? [] : ['The numbers are not final.']),
  ].join('\n');
}

const byWeight = (a: Insight, b: Insight) => b.weight - a.weight;

function describeChange(figure: Figure, index: number): Insight[] {
  const { label, value, previous, unit, change_percentage: percent } = figure;
  if (value === null || previous === null || percent === null || Math.abs(percent) < leastPercent) return [];
  const size = Math.abs(percent);
  const verb = percent > 0 ? 'rose' : 'fell';
  const at = (field: 'change_percentage' | 'value' | 'previous') => `/figures/${index}/${field}`;
  return [
    {
      kind: 'change',
      text: `${label} ${verb} by ${size} % to ${say(value, unit)}, from ${say(previous, unit)}.`,
      weight: Math.min(size, largestWeight),
      refs: [
        { pointer: at('change_percentage'), value: percent },
        { pointer: at('value'), value },
        { pointer: at('previous'), value: previous },
      ],
    },
  ];
}

function describeLast(series: Series, index: number): Insight[] {
  const { label, unit, direction, points, step, compared } = series;
  const last = points.findLastIndex(({ value, partial }) => value !== null && !partial);
  const { at, value = null, anomaly } = points[last] ?? {};
  if (at === undefined || value === null) return [];
  const before = points.slice(0, last).flatMap((point) => (point.value === null || point.partial ? [] : [point.value]));
  const isRecord =
    before.length + 1 >= leastForRecord &&
    (direction === 'down' ? value < Math.min(...before) : value > Math.max(...before));
  const when = step === 'day' ? `on ${at}` : `in the week of ${at}`;
  const refs = [
    { pointer: `/series/${index}/points/${last}/value`, value },
    { pointer: `/series/${index}/points/${last}/at`, value: at },
  ];
  const count = { pointer: `/series/${index}/compared`, value: compared };
  const said = `${label}: ${say(value, unit)} ${when}`;
  const rank = direction === 'down' ? 'lowest' : 'highest';
  return [
    ...(anomaly
      ? [{ kind: 'anomaly' as const, text: `${said} lies far off the trend.`, weight: anomalyWeight, refs }]
      : []),
    ...(isRecord
      ? [
          {
            kind: 'record' as const,
            text: `${said} is the ${rank} of ${compared} ${step}s.`,
            weight: recordWeight,
            refs: [...refs, count],
          },
        ]
      : []),
  ];
}

/** A number with its unit; counts go without. */
function say(value: number, unit: string | null): string {
  const number = String(roundDecimal(value, 2));
  if (unit === null || unit === 'count') return number;
  return `${number} ${unit === 'percentage' ? '%' : unit}`;
}
