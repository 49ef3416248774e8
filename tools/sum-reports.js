/*
 * Sums Vitest's JSON reports for `.ci/run`: node tools/sum-reports.js <folder> <expected reports> [failed stages …]
 * A failed stage whose report shows no failed test, and a report that is missing, count as one failed test each.
 * Plain JavaScript without dependencies: it has the last word even when the installation failed.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const [folder = '.', expected = '', ...failedStages] = process.argv.slice(2);
const sum = { passed: 0, failed: 0, skipped: 0 };

/** @param {string} stage */
function addReport(stage) {
  const file = join(folder, `${stage}.json`);
  const report = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : { numFailedTests: 1 };
  const hasHiddenFault = failedStages.includes(stage) && report.numFailedTests === 0;
  sum.passed += report.numPassedTests || 0;
  sum.failed += report.numFailedTests + (hasHiddenFault ? 1 : 0);
  sum.skipped += (report.numPendingTests || 0) + (report.numTodoTests || 0);
}

const stagesWithReport = expected.split(',');
stagesWithReport.forEach(addReport);
sum.failed += failedStages.filter((stage) => !stagesWithReport.includes(stage)).length;

if (failedStages.length > 0) process.stdout.write(`Failed stages: ${failedStages.join(', ')}\n`);
process.stdout.write(
  `${sum.passed} passed, ${sum.failed} failed${sum.skipped > 0 ? `, ${sum.skipped} skipped` : ''}\n`,
);
process.exitCode = sum.failed > 0 ? 1 : 0;
