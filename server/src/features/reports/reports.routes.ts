import {
  addReportTemplate,
  deleteReportTemplate,
  getReportTemplate,
  listReportTemplates,
  updateReportTemplate,
} from '@almanac/contract/report-templates.ts';
import {
  addReport,
  archiveReport,
  deleteReport,
  exportReport,
  generateReport,
  getReport,
  listReports,
  publishReport,
  updateReport,
} from '@almanac/contract/reports.ts';
import type { FastifyInstance } from 'fastify';
import type { CachedAnswer } from '#platform/cache/cached-answer.ts';
import { AnswerWithStatus, BytesAnswer, FileAnswer } from '#platform/http/answers.ts';
import { bind } from '#platform/http/bind.ts';
import { requireFormat, writeExport } from './export-report.ts';
import type { ReportsService } from './reports.service.ts';
import type { TemplatesService } from './templates.service.ts';

const toBytesAnswer = ({ body, etag }: CachedAnswer) => new BytesAnswer(body, etag);

interface RoutesOptions {
  service: ReportsService;
  templates: TemplatesService;
}

/** /api/reports with /:id/generate, /publish, /archive, /export, and /api/report-templates. */
export function addReportsRoutes(app: FastifyInstance, { service, templates }: RoutesOptions): void {
  addReportRoutes(app, service);
  addTemplateRoutes(app, templates);
}

function addReportRoutes(app: FastifyInstance, service: ReportsService): void {
  bind(app, listReports, {
    access: 'reports:read',
    handle: ({ principal, query }) => service.list(principal, query),
  });
  bind(app, addReport, {
    access: 'reports:write',
    handle: ({ principal, body, once }) => service.add(principal, body, once),
  });
  bind(app, getReport, {
    access: 'reports:read',
    handle: ({ principal, params }) => {
      const found = service.getAnswer(principal, params.id);
      return found instanceof Promise ? found.then(toBytesAnswer) : toBytesAnswer(found);
    },
  });
  bind(app, updateReport, {
    access: 'reports:write',
    handle: ({ principal, params, body }) => service.update(principal, { id: params.id, body }),
  });
  bind(app, deleteReport, {
    access: 'reports:write',
    handle: ({ principal, params }) => service.remove(principal, params.id).then(() => null),
  });
  bind(app, generateReport, {
    access: 'reports:write',
    handle: async ({ principal, params, query }) =>
      query.wait
        ? new AnswerWithStatus(await service.generate(principal, params.id), 200)
        : service.enqueue(principal, params.id),
  });
  bind(app, publishReport, {
    access: 'reports:write',
    handle: ({ principal, params }) => service.publish(principal, params.id),
  });
  bind(app, archiveReport, {
    access: 'reports:write',
    handle: ({ principal, params }) => service.archive(principal, params.id),
  });
  bind(app, exportReport, {
    access: 'reports:read',
    handle: async ({ principal, params, query: { format = 'json', include_charts } }) => {
      requireFormat(format);
      const { content, headers } = writeExport(await service.export(principal, params.id, { include_charts }));
      const fileName = `report-${params.id}.json`;
      return new FileAnswer({ content, mediaType: 'application/json; charset=utf-8', fileName, headers });
    },
  });
}

function addTemplateRoutes(app: FastifyInstance, templates: TemplatesService): void {
  bind(app, listReportTemplates, {
    access: 'reports:read',
    handle: ({ principal, query }) => templates.list(principal, query),
  });
  bind(app, addReportTemplate, {
    access: 'reports:write',
    handle: ({ principal, body, once }) => templates.add(principal, body, once),
  });
  bind(app, getReportTemplate, {
    access: 'reports:read',
    handle: ({ principal, params }) => templates.get(principal, params.id),
  });
  bind(app, updateReportTemplate, {
    access: 'reports:write',
    handle: ({ principal, params, body }) => templates.update(principal, { id: params.id, body }),
  });
  bind(app, deleteReportTemplate, {
    access: 'reports:write',
    handle: ({ principal, params }) => templates.remove(principal, params.id).then(() => null),
  });
}
