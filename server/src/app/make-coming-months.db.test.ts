import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { listMonthPartitions } from '#platform/db/month-partitions.ts';
import { inject } from '#testing/inject.ts';
import { makeTestApp } from '#testing/make-app.ts';
import { makeComingMonths, tablesByMonth } from './make-coming-months.ts';

test('the running month and the next three are there, and one more each month; entries go where they belong', async () => {
  const it = await makeTestApp();
  const { platform, clock } = it;
  const months = async () =>
    (await listMonthPartitions(platform.database.root, 'audit_log')).map(({ name }) => name.slice('audit_log_'.length));
  const organization = await it.makeOrganization();
  const reads = async () => {
    const { headers } = await organization.member('admin');
    expect((await inject(it.app, { method: 'GET', url: '/api/audit', headers })).statusCode).toBe(200);
    const { rows } = await sql<{ place: string }>`
      select tableoid::regclass::text as place from audit_log
      where organization_id = ${organization.id} and action = 'audit.list' order by at`.execute(platform.database.root);
    return rows.map(({ place }) => place);
  };
  expect(await reads()).toEqual(['audit_log_default']);
  expect(await makeComingMonths(platform)).toBe(4 * tablesByMonth.length);
  expect(await months()).toEqual(['2024_12', '2025_01', '2025_02', '2025_03']);
  clock.now = new Date('2025-01-31T23:59:59Z');
  expect(await reads()).toEqual(['audit_log_2024_12', 'audit_log_2025_01']);
  expect(await makeComingMonths(platform)).toBe(tablesByMonth.length);
  expect(await makeComingMonths(platform)).toBe(0);
  expect((await months()).at(-1)).toBe('2025_04');
  await it.close();
});
