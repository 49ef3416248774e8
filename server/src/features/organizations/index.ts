export { activeMembers, isPerson } from './built-ins.store.ts';
export { organizationsPersonalData } from './declare-personal-data.ts';
export { type BuiltIns, createOrganizationsFeature } from './organizations.feature.ts';
export {
  findRole,
  getOrganizationSettings,
  type LockedOrganization,
  lockForChange,
  lockOrganization,
  type OrganizationSettings,
} from './organizations.store.ts';
export { readTimeZone } from './read-time-zone.ts';
