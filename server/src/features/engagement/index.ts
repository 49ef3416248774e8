export { activitySection } from './activity-section.ts';
export { startOfKeptActivity } from './check-events.ts';
export { activityPersonalData } from './declare-personal-data.ts';
export { createEngagementFeature } from './engagement.feature.ts';
export { hasCountedDays, readActivityNow, type UserNumbers, usersOf } from './engagement.views.ts';
