import { aggregationTypes, leastPeople, traits } from '@almanac/contract/assessments.ts';
import type { Figure, ReportTable } from '@almanac/contract/report-content.ts';
import { Type } from 'typebox';
import { compareFigure, defineSectionType, type ReportPeriod } from '#features/reports/index.ts';
import { roundDecimal } from '#kernel/rounding.ts';
import type { OrganizationTx } from '#platform/db/scopes.ts';
import { readGroups } from './aggregations.store.ts';
import { readOceanAverages } from './assessments.views.ts';
import { shapeGroups } from './shape-groups.ts';

/** The average scores at the end of a period, and by department and role; of few people neither. */
export const oceanSection = defineSectionType({
  type: 'ocean_insights',
  summary: 'Average personality scores, and with include_aggregations those of departments and roles.',
  options: Type.Object(
    { include_aggregations: Type.Optional(Type.Boolean({ default: false })) },
    { additionalProperties: false },
  ),
  read: async (tx, { period, options }) => {
    const until = new Date(Math.min(period.nowMs, period.current.endMs));
    const figures = await readFigures(tx, period, until);
    const isTold = figures.some(({ value }) => value !== null);
    const tables = options.include_aggregations && isTold ? await readTables(tx, until) : [];
    const notes = [
      ...(isTold ? [] : [`Scores of fewer than ${leastPeople} people are not told.`]),
      ...(tables.length > 0 ? [`Groups of fewer than ${leastPeople} people are withheld.`] : []),
    ];
    return { figures, tables, notes };
  },
});

async function readFigures(tx: OrganizationTx, period: ReportPeriod, until: Date): Promise<Figure[]> {
  const current = await readOceanAverages(tx, until);
  const previous = await readOceanAverages(tx, new Date(period.previousUntilMs));
  return traits.map((trait) => {
    const value = current ? roundDecimal(current.averages[trait], 1) : null;
    const before = previous ? roundDecimal(previous.averages[trait], 1) : null;
    const label = `${trait.slice(0, 1).toUpperCase()}${trait.slice(1)}`;
    const told = { name: trait, label, unit: 'score', direction: 'none' as const, isSettled: true };
    return compareFigure({ ...told, value, previous: before, as_of: current?.asOf.toISOString() ?? null }, period);
  });
}

const titles = { ocean_department: 'By department', ocean_role: 'By role' } as const;

async function readTables(tx: OrganizationTx, now: Date): Promise<ReportTable[]> {
  const byType = Map.groupBy(await readGroups(tx, now), ({ type }) => type);
  return aggregationTypes.map((type) => {
    const groups = shapeGroups(byType.get(type) ?? []);
    return {
      name: type,
      title: titles[type],
      columns: [
        { name: 'aggregation_key', label: 'Group', type: 'text' },
        { name: 'people', label: 'People', type: 'number' },
        ...traits.map((trait) => ({ name: trait, label: trait, type: 'number' as const })),
        { name: 'suppressed', label: 'Withheld', type: 'text' },
      ],
      rows: groups.map(({ aggregation_key, people, ocean_scores, suppressed }) => [
        aggregation_key,
        people,
        ...traits.map((trait) => ocean_scores?.[trait] ?? null),
        suppressed ? 'yes' : null,
      ]),
    };
  });
}
