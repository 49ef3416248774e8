import type { ItemRecord } from '#features/activity/index.ts';
import type { Week } from '#kernel/weeks.ts';
import { demoAuthors, demoCategories, demoTitles } from './demo-words.ts';

/** How many items of each kind a demo week has, about. */
const perWeek = { upload: 28, update: 45, decision: 12, completion: 67, review: 24 } as const;
/** Shares of a week's items by day, Monday first: people work on weekdays, a little on Saturday. */
const dayShares = [0.2, 0.22, 0.21, 0.19, 0.14, 0.03, 0.01] as const;
const firstHour = 8;
const hours = 11;
const longestReviewHours = 220;

type Random = () => number;

/**
 * The items of a demo week, in the order in which they happen: the same organization, week and seed give the same items.
 * Reviews are resolved within ten days, some in the week after.
 */
export function generateDemoItems(week: Week, seed: string): ItemRecord[] {
  const random = createRandom(`${seed}/${week.id}`);
  const items = (Object.keys(perWeek) as (keyof typeof perWeek)[]).flatMap((kind) => {
    const count = Math.round(perWeek[kind] * (0.8 + 0.4 * random()));
    return Array.from({ length: count }, (_, index) => generateItem({ week, kind, index, random }));
  });
  return items.sort((a, b) => a.occurred_at.localeCompare(b.occurred_at));
}

/** What of a demo week has happened by a moment: items in the future are left out, reviews are open until resolved. */
export function demoItemsUntil(items: readonly ItemRecord[], now: Date): ItemRecord[] {
  const until = now.toISOString();
  return items
    .filter(({ occurred_at }) => occurred_at <= until)
    .map((item) => {
      const isOpen = item.kind === 'review' && (item.resolved_at ?? '') > until;
      return isOpen ? { ...item, resolved_at: null, status: 'pending' } : item;
    });
}

function generateItem({
  week,
  kind,
  index,
  random,
}: {
  week: Week;
  kind: keyof typeof perWeek;
  index: number;
  random: Random;
}): ItemRecord {
  const occurredMs = pickMoment(week, random);
  const category = pick(demoCategories, random);
  const impact = pickImpact(random());
  const isReview = kind === 'review';
  const reviewMs = (2 + random() ** 2 * (longestReviewHours - 2)) * 3_600_000;
  return {
    external_id: `${week.id}/${kind}/${index}`,
    kind,
    title: pick(demoTitles[kind], random).replace('%', category.toLowerCase()),
    author: pick(demoAuthors, random),
    category,
    impact,
    status: isReview ? 'approved' : 'done',
    url: null,
    occurred_at: new Date(occurredMs).toISOString(),
    resolved_at: isReview ? new Date(occurredMs + reviewMs).toISOString() : null,
  };
}

/** A moment of the week with the rhythm of working days and hours. */
function pickMoment({ startDate, calendar }: Week, random: Random): number {
  const first = Temporal.PlainDate.from(startDate);
  let draw = random();
  let weekday = 1;
  for (const share of dayShares) {
    if (draw < share || weekday === 7) break;
    draw -= share;
    weekday += 1;
  }
  const day = first.add({ days: (weekday - first.dayOfWeek + 7) % 7 });
  const minutes = firstHour * 60 + Math.floor(((random() + random()) / 2) * hours * 60);
  return day
    .toPlainDateTime({ hour: Math.floor(minutes / 60), minute: minutes % 60 })
    .toZonedDateTime(calendar.timezone).epochMilliseconds;
}

function pickImpact(draw: number): ItemRecord['impact'] {
  if (draw < 0.15) return 'high';
  return draw < 0.6 ? 'medium' : 'low';
}

function pick<T>(values: readonly T[], random: Random): T {
  return values[Math.floor(random() * values.length)] as T;
}

/** A seeded generator of numbers from 0 to below 1: mulberry32 on an FNV-1a hash of the seed. */
function createRandom(seed: string): Random {
  let state = 2_166_136_261;
  for (const character of seed) state = Math.imul(state ^ (character.codePointAt(0) ?? 0), 16_777_619);
  return () => {
    state = (state + 0x6d_2b_79_f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
