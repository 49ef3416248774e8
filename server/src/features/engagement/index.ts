export { activityPersonalData } from './declare-personal-data.ts';
export { createEngagementFeature } from './engagement.feature.ts';
export { hasCountedDays, readActivityNow, type UserNumbers, usersOf } from './engagement.views.ts';
