import { pino } from 'pino';
import { expect, test } from 'vitest';
import { type AccessEntry, createLogs } from './log.ts';

const entries: AccessEntry[] = [
  {
    request_id: '5f906g-b0',
    user: '0193d6c5-6f4e-7000-8000-000000000001',
    organization: '0193d6c5-6f4e-7000-8000-000000000002',
    method: 'GET',
    route: '/api/businesses/:id',
    status: 200,
    ms: 1.25,
  },
  {
    request_id: '5f906g-b1',
    user: undefined,
    organization: undefined,
    method: 'POST',
    route: '/a "quoted" \\ route',
    status: 404,
    ms: 0,
  },
];

/** What loggers of a level write, line by line. */
function collect(level: string) {
  const lines: string[] = [];
  return { lines, logs: createLogs({ level, destination: { write: (line) => void lines.push(line) } }) };
}

test.each(entries)('the line of a request is the one that pino would write: $route', (entry) => {
  const { lines, logs } = collect('info');
  logs.accessLog.info(entry);
  const expected: string[] = [];
  pino({ base: null }, { write: (line) => void expected.push(line) }).info(entry);
  const withoutTime = (line: string | undefined) => line?.replace(/"time":\d+/, '"time":0');
  expect(lines).toHaveLength(1);
  expect(withoutTime(lines[0])).toBe(withoutTime(expected[0]));
});

test.each([
  ['debug', 1],
  ['info', 1],
  ['warn', 0],
  ['silent', 0],
])('at level %s a request leaves %i lines', (level, count) => {
  const { lines, logs } = collect(level);
  for (const entry of entries.slice(0, 1)) logs.accessLog.info(entry);
  expect(lines).toHaveLength(count);
});

test('secrets are masked by their names, two levels deep', () => {
  const { lines, logs } = collect('info');
  logs.log.info({ password: 'a', headers: { authorization: 'b' } }, 'told');
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({ password: '[masked]', headers: { authorization: '[masked]' } });
});
