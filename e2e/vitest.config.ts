import { defineConfig } from 'vitest/config';

/** Set by `.ci/run`, which sums what the runs report. */
const reportFile = process.env.VITEST_JSON_REPORT;

export default defineConfig({
  test: {
    name: 'e2e',
    root: import.meta.dirname,
    include: ['**/*.test.ts'],
    maxWorkers: 2,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    reporters: reportFile ? ['verbose', ['json', { outputFile: reportFile }]] : ['verbose'],
  },
});
