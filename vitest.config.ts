import { defineConfig } from 'vitest/config';

const databaseTests = ['**/*.db.test.ts'];
const habitTests = ['server/testing/conventions/**/*.test.ts'];
const elsewhere = ['**/node_modules/**', '**/dist/**', 'e2e/**'];

/** Set by `.ci/run`, which sums what the runs report. */
const reportFile = process.env.VITEST_JSON_REPORT;

export default defineConfig({
  test: {
    reporters: reportFile ? ['default', ['json', { outputFile: reportFile }]] : ['default'],
    projects: [
      {
        test: {
          name: 'unit',
          include: ['**/*.test.ts'],
          exclude: [...elsewhere, ...databaseTests, ...habitTests],
        },
      },
      {
        test: {
          name: 'db',
          include: databaseTests,
          exclude: [...elsewhere, ...habitTests],
          // One embedded database per worker, shared by its files: each test makes its own organization.
          pool: 'forks',
          isolate: false,
          maxWorkers: 2,
          globalSetup: ['server/testing/global-setup.ts'],
          testTimeout: 20_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: { name: 'conventions', include: habitTests, exclude: ['**/node_modules/**'], testTimeout: 30_000 },
      },
    ],
  },
});
