import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type ExportSection, writeExport } from './write-export.ts';

const exportedAt = new Date('2024-12-18T12:00:00Z');

async function* pagesOf(pages: readonly (readonly object[])[]) {
  yield* pages;
}

async function read(parts: AsyncIterable<string>): Promise<string> {
  return (await Array.fromAsync(parts)).join('');
}

test('the file is valid JSON whatever the sections hold, and ends with its completeness', async () => {
  const row = fc.record({ id: fc.string({ unit: 'binary' }), value: fc.jsonValue() });
  const name = fc.stringMatching(/^[a-z_]{1,12}$/).map((text) => `section_${text}`);
  const sections = fc.dictionary(name, fc.array(fc.array(row, { maxLength: 4 }), { maxLength: 4 }), {
    noNullPrototype: true,
  });
  await fc.assert(
    fc.asyncProperty(sections, fc.dictionary(fc.string(), fc.jsonValue()), async (held, account) => {
      const parts = Object.entries(held).map(([key, pages]) => ({ name: key, pages: pagesOf(pages) }));
      const text = await read(writeExport({ exportedAt, account, sections: parts }));
      const expected = {
        exported_at: exportedAt.toISOString(),
        account,
        ...Object.fromEntries(Object.entries(held).map(([key, pages]) => [key, pages.flat()])),
        complete: true,
      };
      expect(JSON.stringify(JSON.parse(text))).toBe(JSON.stringify(expected));
      expect(text.endsWith('"complete":true}\n')).toBe(true);
    }),
  );
});

test('a page is asked for only once what came before it is taken', async () => {
  const asked: number[] = [];
  async function* pages() {
    for (let page = 0; page < 3; page += 1) {
      asked.push(page);
      yield [{ page }];
    }
  }
  const file = writeExport({ exportedAt, account: {}, sections: [{ name: 'rows', pages: pages() }] });
  await file.next();
  expect(asked).toEqual([]);
  await file.next();
  expect(asked).toEqual([0]);
  await file.next();
  expect(asked).toEqual([0, 1]);
});

test('a page that cannot be read fails the writing, and what is there by then is no JSON', async () => {
  async function* broken() {
    yield [{ id: 1 }];
    throw new Error('the database is away');
  }
  const sections: ExportSection[] = [{ name: 'rows', pages: broken() }];
  let text = '';
  const reading = (async () => {
    for await (const part of writeExport({ exportedAt, account: {}, sections })) text += part;
  })();
  await expect(reading).rejects.toThrow('the database is away');
  expect(text).toContain('"rows"');
  expect(() => JSON.parse(text)).toThrow();
});
