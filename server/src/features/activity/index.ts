export {
  type AffectedDays,
  type AuthoredItem,
  hasMoreItems,
  type ItemRecord,
  type ItemsWritten,
  listItemIdsBy,
  listItemsBy,
  mergeDays,
  putItems,
  removeItems,
  removeItemsBefore,
  removeSomeItems,
  renameAuthors,
} from './activity.store.ts';
export { checkItems } from './check-items.ts';
