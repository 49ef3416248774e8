export { CacheService, type CacheServiceOptions } from './cache-service.ts';
export { dashboardCache, metricsCache, organizationCaches as CacheHelper, reportsCache } from './caches.ts';
export { DashboardService, type RealtimeData, type SummaryQuery } from './dashboard-service.ts';
export { type Almanac, type AlmanacHandle, closeAlmanac, type OpenOptions, openAlmanac } from './open-almanac.ts';
export {
  type ExportedReport,
  type GeneratedReport,
  ReportGenerator,
  type ReportRequest,
} from './report-generator.ts';
export {
  type Health,
  type PerformanceReport,
  type ReportPeriod,
  SystemService,
  systemService,
} from './system-service.ts';
export { type Connecting, WebSocketService, webSocketService } from './web-socket-service.ts';
