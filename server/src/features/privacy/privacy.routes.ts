import { deleteAccount, exportPersonalData } from '@almanac/contract/privacy.ts';
import type { FastifyInstance } from 'fastify';
import { FileAnswer } from '#platform/http/answers.ts';
import { bind } from '#platform/http/bind.ts';
import type { PrivacyService } from './privacy.service.ts';

/** What is held about oneself: handed out, and erased. */
export function addPrivacyRoutes(app: FastifyInstance, privacy: PrivacyService): void {
  bind(app, exportPersonalData, {
    access: 'account:write',
    handle: async ({ principal }) => {
      const { exportedAt, content } = await privacy.exportData(principal);
      const fileName = `almanac-export-${exportedAt.toISOString().slice(0, 10)}.json`;
      return new FileAnswer({ content, mediaType: 'application/json', fileName });
    },
  });
  bind(app, deleteAccount, {
    access: 'account:write',
    handle: async ({ principal, body, reply }) => {
      await privacy.deleteAccount(principal, body);
      reply.clearCookie('access_token', { path: '/' });
      reply.clearCookie('refresh_token', { path: '/auth' });
      return null;
    },
  });
}
