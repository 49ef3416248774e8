export {
  type AffectedDays,
  type AuthoredItem,
  type ItemRecord,
  type ItemsWritten,
  listItemsBy,
  mergeDays,
  putItems,
  removeItems,
  removeItemsBefore,
  renameAuthors,
} from './activity.store.ts';
export { checkItems } from './check-items.ts';
