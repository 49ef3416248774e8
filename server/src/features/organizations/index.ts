export {
  type BuiltIns,
  createOrganizationsFeature,
} from './organizations.feature.ts';
export { getOrganizationSettings, type OrganizationSettings } from './organizations.store.ts';
