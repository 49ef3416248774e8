export { weeklySection } from './compare-week.ts';
export { weeklyTopic } from './settle-changes.ts';
export { createWeeklyFeature, type WeeklyFeature } from './weekly.feature.ts';
