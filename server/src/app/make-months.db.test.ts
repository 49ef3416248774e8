import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { listMonthPartitions } from '#platform/db/month-partitions.ts';
import { inject } from '#testing/inject.ts';
import { makeTestApp } from '#testing/make-app.ts';
import { makeMonths } from './make-months.ts';

test('the kept months and the next three are there, and one more each month; entries go where they belong', async () => {
  const it = await makeTestApp({ ownsDatabase: true });
  const { platform, clock } = it;
  const months = async (table = 'audit_log') =>
    (await listMonthPartitions(platform.database.root, table)).map(({ name }) => name.slice(table.length + 1));
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
  expect(await makeMonths(platform)).toBe(4 + 17 + 7);
  expect(await months()).toEqual(['2024_12', '2025_01', '2025_02', '2025_03']);
  expect((await months('dashboard_metrics')).at(0)).toBe('2023_11');
  expect((await months('user_activity_logs')).at(0)).toBe('2024_09');
  clock.now = new Date('2025-01-31T23:59:59Z');
  expect(await reads()).toEqual(['audit_log_2024_12', 'audit_log_2025_01']);
  expect(await makeMonths(platform)).toBe(3);
  expect(await makeMonths(platform)).toBe(0);
  expect((await months()).at(-1)).toBe('2025_04');
  await it.close();
});
