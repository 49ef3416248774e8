import type { WholeReport } from '@almanac/contract/report-content.ts';
import type { ReportTemplate } from '@almanac/contract/report-templates.ts';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { makeTestApp, type TestApp } from '#testing/make-app.ts';
import { makeReportsScene, type ReportsScene } from '#testing/reports-scene.ts';

let it: TestApp;
let scene: ReportsScene;
beforeAll(async () => {
  it = await makeTestApp();
});
afterAll(() => it.close());
beforeEach(async () => {
  scene = await makeReportsScene(it);
});

const template = (sections: object[], more: object = {}) => ({ name: 'Ours', sections_config: { sections }, ...more });
const addTemplate = async (sections: object[], more: object = {}): Promise<ReportTemplate> => {
  const answer = await scene.send('POST', '/api/report-templates', template(sections, more));
  expect(answer.statusCode, answer.body).toBe(201);
  return answer.json();
};
const text = (markdown: string) => ({ type: 'text', title: 'Words', markdown });

describe('A template', () => {
  test('is checked section by section', async () => {
    const sections = [{ type: 'horoscope' }, { type: 'trends', weeks: 2 }, text('fine'), { type: 'activity', of: 1 }];
    const answer = await scene.send('POST', '/api/report-templates', template(sections));
    expect(answer.statusCode).toBe(400);
    const { errors } = answer.json().error.details;
    expect(errors).toMatchObject([
      {
        field: 'sections_config.sections[0].type',
        issue: expect.stringMatching(
          /'horoscope' is not a type of section; there are activity, custom_metrics, .*weekly/,
        ),
        index: 0,
      },
      { field: 'sections_config.sections[1].weeks', index: 1 },
      { field: 'sections_config.sections[3].of', index: 3 },
    ]);
  });

  test('is never changed under a report that has it', async () => {
    const made = await addTemplate([text('first')]);
    const report = await scene.draft({ template_id: made.id });
    const sections_config = { sections: [text('second')] };
    const changed = (await scene.send('PUT', `/api/report-templates/${made.id}`, { ...made, sections_config })).json();
    expect(changed).toMatchObject({ version: 2, name: 'Ours', sections_config });
    const contentOf = ({ sections }: WholeReport) => sections.map(({ content }) => content);
    expect(contentOf(await scene.generate(report.id))).toEqual(['first']);
    expect(contentOf(await scene.generate((await scene.draft({ template_id: made.id })).id))).toEqual(['second']);
    expect((await scene.send('DELETE', `/api/report-templates/${made.id}`)).statusCode).toBe(204);
    expect((await scene.send('GET', `/api/report-templates/${made.id}`)).statusCode).toBe(404);
    expect(contentOf(await scene.generate(report.id))).toEqual(['first']);
  });

  test('takes the place of the default one', async () => {
    await scene.draft();
    const ours = await addTemplate([text('ours')], { is_default: true });
    expect((await scene.draft()).template_id).toBe(ours.id);
    const { items } = (await scene.send('GET', '/api/report-templates')).json();
    expect(items.map(({ is_default }: ReportTemplate) => is_default)).toEqual([false, true]);
    await scene.send('DELETE', `/api/report-templates/${ours.id}`);
    expect((await scene.draft()).template_id).not.toBe(ours.id);
  });
});
