export {
  type AffectedDays,
  type ItemRecord,
  type ItemsWritten,
  putItems,
  removeItems,
  removeItemsBefore,
} from './activity.store.ts';
export { checkItems } from './check-items.ts';
