export {
  type AuthoredItem,
  hasMoreItems,
  type ItemRecord,
  type ItemsWritten,
  listItemIdsBy,
  listItemsBy,
  putItems,
  removeItems,
  removeItemsBefore,
  removeSomeItems,
  renameAuthors,
} from './activity.store.ts';
export { checkItems } from './check-items.ts';
export {
  pointsOfChange,
  pointsOfNewWeek,
  pointsOfRunningWeek,
  weeklyMetrics,
} from './compute-points.ts';
export { type AffectedDays, type ItemsChanged, mergeChanges } from './merge-changes.ts';
