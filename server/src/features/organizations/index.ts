export { isPerson } from './built-ins.store.ts';
export { type BuiltIns, createOrganizationsFeature } from './organizations.feature.ts';
export {
  findRole,
  getOrganizationSettings,
  type LockedOrganization,
  lockForChange,
  lockOrganization,
  type OrganizationSettings,
} from './organizations.store.ts';
export { recordChange } from './record-change.ts';
