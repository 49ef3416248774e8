import { once } from 'node:events';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import { runServer } from '../../server/src/app/run-server.ts';
import { systemPrincipal } from '../../server/src/platform/access/principal.ts';
import { shapeConfig } from '../../server/src/platform/config/config.ts';
import type { VariableValues } from '../../server/src/platform/config/variables.ts';
import { createLogs } from '../../server/src/platform/log/log.ts';

/** The product with tenants who share one organization, each with a business; it publishes events when told to. */
const [{ users, databaseUrl }] = (await once(process, 'message')) as [{ users: number; databaseUrl: string }];
const dataDir = await mkdtemp(join(tmpdir(), 'almanac-fanout-'));
const values = { DATA_DIR: dataDir, DATABASE_URL: databaseUrl, PORT: 0, PROJECTS_LOCAL_GIT: [] as string[] };
const config = shapeConfig({ ...values, ALMANAC_DEMO: false, TRUST_PROXY: true } as unknown as VariableValues);
const limits = { perMinute: () => 1e9, addressPerMinute: 1e9 };
const server = await runServer({ config, ...createLogs({ level: 'warn' }), limits });

const post = async (path: string, body: object, headers: Record<string, string> = {}) => {
  const answer = await fetch(`${server.url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(`${path} answered ${answer.status}: ${await answer.text()}`);
  return answer.json();
};

const password = 'correct horse battery';
const organization = '01938f6e-2b7a-7c3e-9a51-0f1e2d3c4b5e';
const { scopes, feed } = server.platform;
await scopes.inInstance(({ db }) =>
  sql`insert into organizations (id, slug, name) values (${organization}, 'fanout', 'Fan-out')`.execute(db),
);
const tenants: { userId: string; token: string; businessId: string }[] = [];
for (let index = 0; index < users; index += 1) {
  const account = { email: `bench-${index}@example.org`, password, account_type: 'tenant' };
  // An address registers only few.
  const address = { 'x-forwarded-for': `10.0.${index >> 8}.${index & 255}` };
  const { user, access_token: token } = (await post('/auth/register', account, address)) as {
    user: { id: string };
    access_token: string;
  };
  await scopes.inInstance(({ db }) =>
    sql`insert into user_organizations (organization_id, user_id, role, created_at)
      values (${organization}, ${user.id}, 'member', now())`.execute(db),
  );
  const headers = { authorization: `Bearer ${token}`, 'x-organization-id': organization };
  const { data } = (await post('/api/businesses', { name: `Business ${index}` }, headers)) as { data: { id: string } };
  tenants.push({ userId: user.id, token, businessId: data.id });
}

const eventsPerTransaction = 100;
/** Past what the tenants' own changes come to. */
let version = 1_000_000;

/** Publishes so many changes, of one user after the other, as their writes do: in transactions, but many in one. */
async function publish(count: number): Promise<void> {
  for (let from = 0; from < count; from += eventsPerTransaction) {
    await scopes.inOrganization(systemPrincipal(organization), async (tx) => {
      for (let index = from; index < Math.min(count, from + eventsPerTransaction); index += 1) {
        const { userId, businessId } = tenants[index % tenants.length] ?? { userId: '', businessId: '' };
        version += 1;
        const payload = {
          business_id: businessId,
          version,
          day: '2024-12-18',
          added: { views: 1, messages: 0, invites: 0, responses: 0 },
          totals: { views_count: version, messages_count: 0, invites_count: 0, responses_count: null },
        };
        feed.publish(tx, { type: 'business.measured', audience: { userId }, payload });
      }
    });
  }
}

process.on('message', ({ publish: count }: { publish: number }) => void publish(count));
process.send?.({ url: server.url, organization, tenants });
process.once('SIGTERM', () => process.exit(0));
