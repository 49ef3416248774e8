export { type ActivityChange, createWeeklyFeature, type WeeklyFeature } from './weekly.feature.ts';
