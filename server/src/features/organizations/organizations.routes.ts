import { createOrganization, listOrganizations, updateOrganization } from '@almanac/contract/organizations.ts';
import type { FastifyInstance } from 'fastify';
import { bind } from '#platform/http/bind.ts';
import type { OrganizationsService } from './organizations.service.ts';

/** GET and POST /api/organizations; PUT /api/organizations/:id. */
export function addOrganizationsRoutes(app: FastifyInstance, service: OrganizationsService): void {
  bind(app, listOrganizations, {
    access: 'organizations:read',
    handle: ({ principal }) => service.list(principal),
  });
  bind(app, createOrganization, {
    access: 'organizations:join',
    handle: ({ principal, body, once }) => service.create(principal, body, once),
  });
  bind(app, updateOrganization, {
    access: 'organizations:write',
    handle: ({ principal, body }) => service.update(principal, body),
  });
}
