import { dashboardTopic } from '#features/dashboard/index.ts';
import { metricsTopic } from '#features/metrics/index.ts';
import { weeklyTopic } from '#features/weekly/index.ts';

/** Everything that is cached of an organization, by what invalidates it. */
export const cacheTopics = [weeklyTopic, metricsTopic, dashboardTopic];
