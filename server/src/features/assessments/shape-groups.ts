import { type getAggregations, leastPeople, traits } from '@almanac/contract/assessments.ts';
import type { EndpointAnswer } from '@almanac/contract/endpoint.ts';
import { roundDecimal } from '#kernel/rounding.ts';
import { findWithheld } from './find-withheld.ts';

/** A group as it is stored. */
export interface GroupRow {
  readonly aggregation_key: string;
  readonly people: number;
  /** Null where the group is of too few people. */
  readonly ocean_scores: Readonly<Record<string, number>> | null;
  /** Each average null where it is of too few people. */
  readonly facet_scores: Readonly<Record<string, { average: number | null; people: number }>>;
}

type Group = EndpointAnswer<typeof getAggregations>['groups'][number];

/** Groups as they are shown, the largest first: without the numbers that would tell of fewer than five people. */
export function shapeGroups(rows: readonly GroupRow[]): Group[] {
  const sizes = rows.map(({ aggregation_key: key, people }) => ({ key, people }));
  const withheld = findWithheld(sizes, { least: leastPeople });
  const facets = [...new Set(rows.flatMap(({ facet_scores }) => Object.keys(facet_scores)))].sort();
  const withheldOf = new Map(facets.map((facet) => [facet, findWithheldOf(facet, rows, withheld)]));
  const shown = rows
    .filter(({ aggregation_key }) => !withheld.has(aggregation_key))
    .map((row) => ({
      aggregation_key: toShownKey(row),
      suppressed: false,
      people: row.people,
      ocean_scores: Object.fromEntries(
        traits.map((trait) => [trait, roundDecimal(row.ocean_scores?.[trait] ?? 0, 1)]),
      ) as Group['ocean_scores'],
      facet_scores: Object.fromEntries(
        facets.flatMap((facet) => {
          const score = row.facet_scores[facet];
          const isWithheld = withheldOf.get(facet)?.has(row.aggregation_key);
          return score && score.average !== null && !isWithheld ? [[facet, roundDecimal(score.average, 1)]] : [];
        }),
      ),
    }));
  const hidden = rows
    .filter(({ aggregation_key }) => withheld.has(aggregation_key))
    .map((row) => ({
      aggregation_key: toShownKey(row),
      suppressed: true,
      people: null,
      ocean_scores: null,
      facet_scores: null,
    }));
  // By name, because their order by size would tell of it.
  return [...shown.sort((a, b) => b.people - a.people || compareKeys(a, b)), ...hidden.sort(compareKeys)];
}

function findWithheldOf(facet: string, rows: readonly GroupRow[], already: ReadonlySet<string>): Set<string> {
  const sizes = rows.map(({ aggregation_key: key, facet_scores }) => ({
    key,
    people: facet_scores[facet]?.people ?? 0,
  }));
  return findWithheld(sizes, { least: leastPeople, already });
}

const toShownKey = ({ aggregation_key }: GroupRow) => (aggregation_key === '' ? null : aggregation_key);

type Keyed = Pick<Group, 'aggregation_key'>;
const compareKeys = (a: Keyed, b: Keyed) => ((a.aggregation_key ?? '') < (b.aggregation_key ?? '') ? -1 : 1);
