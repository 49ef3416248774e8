type Headers = Record<string, string>;
type Send = (method: 'POST', url: string, sent: { body: object; headers: Headers }) => Promise<{ id: string }>;

interface Caller {
  readonly owner: { readonly headers: Headers };
}

interface Call {
  readonly params?: Record<string, string>;
  readonly body?: object;
}

const draft = { title: 'The week', report_period_start: '2024-12-09', report_period_end: '2024-12-15' };
const template = { name: 'Ours', sections_config: { sections: [{ type: 'activity' }] } };

/** By the id of each endpoint that changes reports or their templates, a call of it that succeeds. */
export function reportCalls(send: Send): Record<string, (scene: Caller) => Call | Promise<Call>> {
  const make =
    (url: string, made: object, isGenerated = false) =>
    async ({ owner: { headers } }: Caller) => {
      const { id } = await send('POST', url, { headers, body: made });
      if (isGenerated) await send('POST', `${url}/${id}/generate?wait=true`, { headers, body: {} });
      return { id };
    };
  const makeDraft = make('/api/reports', draft);
  const makeReport = make('/api/reports', draft, true);
  const makeTemplate = make('/api/report-templates', template);
  const title = { title: 'Another' };
  return {
    'reports.create': () => ({ body: draft }),
    'reports.update': async (scene) => ({ params: await makeDraft(scene), body: title }),
    'reports.delete': async (scene) => ({ params: await makeDraft(scene) }),
    'reports.generate': async (scene) => ({ params: await makeDraft(scene), body: {} }),
    'reports.publish': async (scene) => ({ params: await makeReport(scene), body: {} }),
    'reports.archive': async (scene) => ({ params: await makeReport(scene), body: {} }),
    'reportTemplates.create': () => ({ body: template }),
    'reportTemplates.update': async (scene) => ({ params: await makeTemplate(scene), body: { name: 'New' } }),
    'reportTemplates.delete': async (scene) => ({ params: await makeTemplate(scene) }),
  };
}
