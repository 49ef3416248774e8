import { disableMfa, enableMfa, setUpMfa } from '@almanac/contract/mfa.ts';
import type { FastifyInstance } from 'fastify';
import { AnswerWithHeaders } from '#platform/http/answers.ts';
import { bind } from '#platform/http/bind.ts';
import type { MfaService } from './mfa.service.ts';

/** For answers that bear secrets. */
const notKept = { 'cache-control': 'no-store' };

/** POST /auth/mfa/setup, /auth/mfa/enable, /auth/mfa/disable. */
export function addMfaRoutes(app: FastifyInstance, service: MfaService): void {
  bind(app, setUpMfa, {
    access: 'account:write',
    handle: async (request) => new AnswerWithHeaders(await service.setUp(request), notKept),
  });
  bind(app, enableMfa, {
    access: 'account:write',
    handle: async (request) => {
      const codes = await service.enable(request, request.body.code);
      return new AnswerWithHeaders({ recovery_codes: codes }, notKept);
    },
  });
  bind(app, disableMfa, {
    access: 'account:write',
    handle: async (request) => {
      await service.disable(request, request.body);
      return null;
    },
  });
}
