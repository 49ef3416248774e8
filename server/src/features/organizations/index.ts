export { activeMembers, isPerson } from './built-ins.store.ts';
export { organizationsPersonalData } from './declare-personal-data.ts';
export { type BuiltIns, createOrganizationsFeature } from './organizations.feature.ts';
export type { OnCalendarChange } from './organizations.service.ts';
export {
  findRole,
  getOrganizationSettings,
  holdCalendar,
  type LockedOrganization,
  lockCalendar,
  lockForChange,
  lockOrganization,
  type OrganizationSettings,
} from './organizations.store.ts';
export { readTimeZone } from './read-time-zone.ts';
export { type CalendarWaiting, takeCalendar } from './take-calendar.ts';
