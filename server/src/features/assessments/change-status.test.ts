import { assessmentStatuses, type OceanScores } from '@almanac/contract/assessments.ts';
import { describe, expect, test } from 'vitest';
import { findObstacle } from './change-status.ts';

const all: OceanScores = { openness: 0, conscientiousness: 100, extraversion: 1, agreeableness: 2, neuroticism: 3 };
const allowed = [
  'draft → draft',
  'draft → in_progress',
  'draft → completed',
  'draft → archived',
  'in_progress → draft',
  'in_progress → in_progress',
  'in_progress → completed',
  'in_progress → archived',
  'completed → completed',
  'completed → archived',
];

describe('A status', () => {
  test('goes where the table says, and nowhere else', () => {
    const found = assessmentStatuses.flatMap((from) =>
      assessmentStatuses.flatMap((to) => {
        const obstacle = findObstacle({ status: from, ocean_scores: all }, { status: to, ocean_scores: all });
        return obstacle === undefined ? [`${from} → ${to}`] : [];
      }),
    );
    expect(found.sort()).toEqual(allowed.sort());
  });

  test('is completed with all five scores alone', () => {
    const { openness: _1, neuroticism: _2, ...three } = all;
    const completing = { status: 'completed', ocean_scores: three } as const;
    expect(findObstacle({ status: 'draft', ocean_scores: all }, completing)).toBe(
      'A completed one has all five scores; it lacks openness, neuroticism.',
    );
    expect(findObstacle({ status: 'completed', ocean_scores: all }, completing)).toMatch(/lacks/);
    expect(findObstacle({ status: 'draft', ocean_scores: {} }, { status: 'archived', ocean_scores: {} })).toBe(
      undefined,
    );
  });
});
