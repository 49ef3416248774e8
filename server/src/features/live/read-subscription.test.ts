import { describe, expect, test } from 'vitest';
import { isWanted, readSubscription } from './read-subscription.ts';

const organizationId = '01938f6e-2b7a-7c3e-9a51-0f1e2d3c4b5e';
const reportId = '01938f6e-2b7a-7c3e-9a51-0f1e2d3c4b5f';
const read = (sent: object) => readSubscription(sent, organizationId);

describe('What is subscribed to', () => {
  test('may name its own organization, in any case, and is the same with or without it', () => {
    expect(read({ type: 'dashboard', filters: { organizationId: organizationId.toUpperCase() } })).toEqual(
      read({ type: 'dashboard' }),
    );
  });

  test('is the same in whatever order it is narrowed down', () => {
    const one = read({ type: 'metrics', filters: { metric_name: 'b', metric_type: 'a' } });
    expect(JSON.stringify(one)).toBe(
      JSON.stringify({ type: 'metrics', filters: { metric_type: 'a', metric_name: 'b' } }),
    );
  });

  test.each([
    [{}, 'type: is missing; it is one of dashboard, metrics, system, activity, reports'],
    [{ type: 'dashbord' }, "type: 'dashbord' is not one of dashboard, metrics, system, activity, reports"],
    [{ type: ['metrics'] }, `type: '["metrics"]' is not one of dashboard, metrics, system, activity, reports`],
    [{ type: 'metrics', filters: null }, "filters: 'null' is not an object"],
    [{ type: 'metrics', filters: [] }, "filters: '[]' is not an object"],
    [
      { type: 'metrics', filters: { report_id: 'x' } },
      'filters.report_id: is not taken for metrics; taken are organizationId, metric_type, metric_name',
    ],
    [
      { type: 'system', filters: { constructor: 'x' } },
      'filters.constructor: is not taken for system; taken are organizationId',
    ],
    [{ type: 'metrics', filters: { metric_type: 7 } }, "filters.metric_type: '7' is not of type string"],
    [
      { type: 'metrics', filters: { metric_type: '' } },
      'filters.metric_type: is 0 characters long; 1 to 200 are taken',
    ],
    [{ type: 'reports', filters: { report_id: 'x'.repeat(201) } }, 'filters.report_id: is 201 characters long'],
    [{ type: 'activity', filters: { organizationId: reportId } }, 'is not the organization of this connection'],
    [
      { type: 'activity', filters: { organizationId: 7, x: 1 } },
      "organizationId: '7' is not of type string (and 1 more)",
    ],
  ])('is refused as %j', (sent, message) => {
    expect(() => read(sent)).toThrow(expect.objectContaining({ code: 'VALIDATION_ERROR' }));
    expect(() => read(sent)).toThrow(message);
  });
});

describe('An event', () => {
  const update = { metric_type: 'sales', as_of: '', metric_names: ['orders', 'refunds'] };
  test.each([
    [{}, update, true],
    [{ metric_type: 'sales' }, update, true],
    [{ metric_type: 'Sales' }, update, false],
    [{ metric_name: 'orders' }, update, true],
    [{ metric_name: 'order' }, update, false],
    [{ metric_type: 'other', metric_name: 'orders' }, update, false],
    [{ metric_name: 'orders' }, { metric_type: 'sales', as_of: '' }, true],
  ])('of metrics is filtered by %j', (filters, payload, expected) => {
    expect(isWanted({ type: 'metric_update', payload }, read({ type: 'metrics', filters }))).toBe(expected);
  });

  test('of a report is filtered by the report, and no event goes to another type', () => {
    const ready = { type: 'report_ready', payload: { report_id: reportId, status: 'generated', title: '' } } as const;
    expect(isWanted(ready, read({ type: 'reports' }))).toBe(true);
    expect(isWanted(ready, read({ type: 'reports', filters: { report_id: reportId.toUpperCase() } }))).toBe(true);
    expect(isWanted(ready, read({ type: 'reports', filters: { report_id: organizationId } }))).toBe(false);
    expect(isWanted(ready, read({ type: 'dashboard' }))).toBe(false);
  });
});
