export { createWeeklyFeature, type WeeklyFeature } from './weekly.feature.ts';
