export {
  type BuiltIns,
  createOrganizationsFeature,
  type OrganizationsFeature,
} from './organizations.feature.ts';
export { getOrganizationSettings, type OrganizationSettings } from './organizations.store.ts';
