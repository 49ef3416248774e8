export {
  type AffectedDays,
  type ItemRecord,
  type ItemsWritten,
  mergeDays,
  putItems,
  removeItems,
  removeItemsBefore,
} from './activity.store.ts';
export { checkItems } from './check-items.ts';
