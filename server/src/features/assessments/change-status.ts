import { type AssessmentStatus, type OceanScores, traits } from '@almanac/contract/assessments.ts';

/** The statuses that each one goes to, beside itself. */
const next: Readonly<Record<AssessmentStatus, readonly AssessmentStatus[]>> = {
  draft: ['in_progress', 'completed', 'archived'],
  in_progress: ['draft', 'completed', 'archived'],
  completed: ['archived'],
  archived: [],
};

/** An assessment as far as its status depends on it. */
export interface Standing {
  readonly status: AssessmentStatus;
  readonly ocean_scores: OceanScores;
}

/** The traits that have no score. */
export function listMissing(scores: OceanScores): string[] {
  return traits.filter((trait) => scores[trait] === undefined);
}

/** Says why an assessment cannot become what is wanted; undefined where it can. */
export function findObstacle(current: Standing, wanted: Standing): string | undefined {
  if (current.status === 'archived') return 'It is archived, and changes no more.';
  if (wanted.status !== current.status && !next[current.status].includes(wanted.status)) {
    return `It is ${current.status}, and does not become ${wanted.status}: it goes to ${next[current.status].join(' or ')}.`;
  }
  const missing = wanted.status === 'completed' ? listMissing(wanted.ocean_scores) : [];
  return missing.length > 0 ? `A completed one has all five scores; it lacks ${missing.join(', ')}.` : undefined;
}
