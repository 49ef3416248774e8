import type { EndpointAnswer } from '@almanac/contract/endpoint.ts';
import type { addPoints } from '@almanac/contract/metrics.ts';
import type { getStats } from '@almanac/contract/weekly.ts';
import { describe, expect, expectTypeOf, test } from 'vitest';
import { listEndpoints } from '../../server/testing/list-endpoints.ts';
import type { Endpoints } from './generated/endpoint-types.ts';
import { endpoints } from './generated/endpoints.ts';
import { type Calls, type Client, createClient, type FileAnswer } from './index.ts';

const client = createClient({ baseUrl: 'http://localhost' });

test.each(listEndpoints().map(({ id, ...endpoint }) => [id, endpoint] as const))('%s has a call', (id, declared) => {
  const [group, verb] = id.split('.') as ['weekly', 'getStats'];
  expect(client[group][verb]).toBeTypeOf('function');
  const { method, path, envelope } = declared;
  expect(endpoints[group][verb]).toMatchObject({ method, path, envelope });
});

test('there is a call for nothing else', () => {
  const calls = Object.values(endpoints).flatMap((group) => Object.keys(group));
  expect(calls).toHaveLength(listEndpoints().length);
});

describe('The compiler', () => {
  /** The groups and verbs, of calls or of declarations, whose call the compiler does not know. */
  type Untyped<Of> = {
    [Group in keyof Of]: Group extends keyof Client
      ? {
          [Verb in keyof Of[Group]]: Verb extends keyof Client[Group] ? IfAny<Client[Group][Verb], Verb> : Verb;
        }[keyof Of[Group]]
      : Group;
  }[keyof Of];
  type IfAny<Type, Name> = 0 extends 1 & Type ? Name : [Type] extends [never] ? Name : never;

  test('knows the call of every endpoint', () => {
    expectTypeOf<Untyped<Endpoints>>().toBeNever();
    expectTypeOf<Untyped<typeof endpoints>>().toBeNever();
    expectTypeOf<keyof Calls>().toEqualTypeOf<keyof typeof endpoints>();
  });

  test('knows inputs and answers', () => {
    expectTypeOf(client.weekly.getStats).returns.resolves.toEqualTypeOf<EndpointAnswer<typeof getStats>>();
    expectTypeOf(client.weekly.export).returns.resolves.toEqualTypeOf<FileAnswer>();
    expectTypeOf(client.identity.logout).returns.resolves.toEqualTypeOf<null>();
    expectTypeOf(client.weekly.getStats).toBeCallableWith();
    expectTypeOf(client.metrics.addPoints).toBeCallableWith({ lines: [] });
    expectTypeOf(client.metrics.addPoints).returns.resolves.toEqualTypeOf<EndpointAnswer<typeof addPoints>>();
  });

  test('refuses what the server would', () => {
    const refused = () => [
      // @ts-expect-error a word that is no field
      client.weekly.getStats({ query: { weak: 'last' } }),
      // @ts-expect-error a format that there is not
      client.weekly.export({ query: { format: 'xml' } }),
      // @ts-expect-error no path parameters
      client.metrics.describe({ body: {} }),
      // @ts-expect-error no body
      client.identity.login(),
      // @ts-expect-error a key where none is taken
      client.identity.updateProfile({ body: {}, idempotencyKey: 'k' }),
      // @ts-expect-error both forms of a body
      client.metrics.addPoints({ lines: [], body: { points: [] } }),
      // @ts-expect-error a line that is no point
      client.metrics.addPoints({ lines: [{ metric_value: 'one' }] }),
    ];
    expect(refused).toBeTypeOf('function');
  });
});
