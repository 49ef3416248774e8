import { listAuditEntries } from '@almanac/contract/audit.ts';
import type { FastifyInstance } from 'fastify';
import { bind } from '#platform/http/bind.ts';
import type { AuditService } from './audit.service.ts';

/** GET /api/audit. */
export function addAuditRoutes(app: FastifyInstance, service: AuditService): void {
  bind(app, listAuditEntries, {
    access: 'audit:read',
    handle: ({ principal, query }) => service.list(principal, query),
  });
}
