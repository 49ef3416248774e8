import { randomBytes } from 'node:crypto';
import { listOrganizations } from '@almanac/contract/identity.ts';
import type { FastifyInstance } from 'fastify';
import type { InstanceTx, Scopes } from '#platform/db/scopes.ts';
import { bind } from '#platform/http/bind.ts';
import { listMemberships, putAnonymousViewer, putOrganization } from './organizations.store.ts';

interface OrganizationsNeeds {
  scopes: Pick<Scopes, 'inInstance'>;
}

/** The organizations that exist from the first start on. */
export interface BuiltIns {
  readonly localOrganizationId: string;
  /** Undefined where the demo is off. */
  readonly demoOrganizationId: string | undefined;
  /** Undefined where anonymous access is off. */
  readonly anonymousUserId: string | undefined;
}

/** Organizations and who is in them. */
export interface OrganizationsFeature {
  /** Makes the organizations `local` and `demo` and the anonymous viewer, where they are wanted and not there. */
  putBuiltIns(wanted: { demo: boolean; anonymous: boolean; timezone: string }): Promise<BuiltIns>;
  makeOrganization(tx: InstanceTx, organization: { name: string }): Promise<string>;
  addRoutes(app: FastifyInstance): void;
}

export function createOrganizationsFeature({ scopes }: OrganizationsNeeds): OrganizationsFeature {
  return {
    putBuiltIns: ({ demo, anonymous, timezone }) =>
      scopes.inInstance(async (tx) => {
        const localOrganizationId = await putOrganization(tx, { slug: 'local', name: 'This machine', timezone });
        const demoOrganizationId = demo
          ? await putOrganization(tx, { slug: 'demo', name: 'Demo', timezone, isDemo: true })
          : undefined;
        const visible = demoOrganizationId ? [demoOrganizationId, localOrganizationId] : [localOrganizationId];
        const anonymousUserId = anonymous ? await putAnonymousViewer(tx, visible) : undefined;
        return { localOrganizationId, demoOrganizationId, anonymousUserId };
      }),
    makeOrganization: (tx, { name }) => putOrganization(tx, { slug: slugOf(name), name }),
    addRoutes: (app) =>
      bind(app, listOrganizations, {
        access: 'organizations:read',
        handle: ({ principal }) => scopes.inInstance((tx) => listMemberships(tx, principal.userId)),
      }),
  };
}

/** A readable slug that nobody else has: the name in plain letters and 40 random bits. */
function slugOf(name: string): string {
  const plain = name
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '')
    .slice(0, 40);
  return `${plain || 'organization'}-${randomBytes(5).toString('hex')}`;
}
