import { changeBetween } from '#kernel/change.ts';
import type { KindCounts, StoredItem, WeekNumbers } from './weekly.views.ts';

const kinds: readonly { key: keyof KindCounts; noun: string }[] = [
  { key: 'completed', noun: 'completed tasks' },
  { key: 'decisions', noun: 'decisions' },
  { key: 'uploads', noun: 'uploads' },
  { key: 'updates', noun: 'updates' },
];

/** A record needs this many weeks to be one of. */
const leastWeeksForRecord = 4;
/** A change is worth a sentence from this many percent and this many items on. */
const leastPercent = 20;
const leastDifference = 3;
const mostChanges = 2;

/**
 * Writes a week's highlights, by these rules in this order:
 * 1. the newest high-impact items, at most three;
 * 2. records: a number higher than in each of the eight weeks before (those since the first with an item, at least four);
 * 3. growth: the two numbers that are most above those of the whole week before, from 20 % and three items on.
 * They rest on the items alone and not on the hour, so a running week is never measured against a full one except where
 * it has already passed it, and the same items always give the same sentences.
 */
export function writeHighlights({ days, highImpact, weeksBefore }: WeekNumbers): string[] {
  const counts = new Map(kinds.map(({ key }) => [key, days.reduce((total, day) => total + day[key], 0)]));
  const records = kinds.filter(({ key }) => isRecord(counts.get(key) ?? 0, weeksBefore, key));
  const recordSentences = records.map(
    ({ key, noun }) => `Most ${noun} in ${weeksBefore.length + 1} weeks: ${counts.get(key)}`,
  );
  const before = weeksBefore.at(-1);
  const growth = before
    ? kinds
        .filter((kind) => !records.includes(kind))
        .flatMap(({ key, noun }) => growthOf(noun, { previous: before[key], current: counts.get(key) ?? 0 }))
        .sort((a, b) => b.percent - a.percent)
        .slice(0, mostChanges)
    : [];
  return [...highImpact.map(describeItem), ...recordSentences, ...growth.map(({ sentence }) => sentence)];
}

function describeItem({ title, author }: StoredItem): string {
  return `${title} (${author}, high impact)`;
}

function isRecord(count: number, weeksBefore: readonly KindCounts[], key: keyof KindCounts): boolean {
  return weeksBefore.length >= leastWeeksForRecord && weeksBefore.every((week) => week[key] < count);
}

function growthOf(
  noun: string,
  { previous, current }: { previous: number; current: number },
): { percent: number; sentence: string }[] {
  const { percent } = changeBetween(previous, current);
  if (percent === null || percent < leastPercent || current - previous < leastDifference) return [];
  const sentence = `${current} ${noun}, ${percent} % more than in the whole week before (${previous})`;
  return [{ percent, sentence }];
}
