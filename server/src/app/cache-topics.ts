import { dashboardTopic } from '#features/dashboard/index.ts';
import { metricsTopic } from '#features/metrics/index.ts';
import { reportsTopic } from '#features/reports/index.ts';
import { weeklyTopic } from '#features/weekly/index.ts';

/** What is cached of an organization as a whole, by what invalidates it. */
export const cacheTopics = [weeklyTopic, metricsTopic, dashboardTopic, reportsTopic];
