import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { renderMail } from './render-mail.ts';

const content = {
  title: 'Confirm your address',
  paragraphs: ['Somebody registered with this address.', 'If it was you:\nconfirm it.'],
  action: { label: 'Confirm', url: 'https://almanac.example/#verify-email=a&b' },
  footer: 'Sent because <ada@example.org> was given.',
};

/** Reads the page back as a browser would: what stands between tags, and where links lead. */
function readBack(html: string) {
  const body = html.slice(html.indexOf('<body'));
  const decode = (text: string) =>
    text.replaceAll(/&(?:amp|lt|gt|quot|#39);/g, (entity) => decoded[entity as keyof typeof decoded]);
  const links = [...body.matchAll(/<a [^>]*href="([^"]*)"/g)].map(([, href = '']) => decode(href));
  return { tags: body.match(/<[^>]*>/g) ?? [], text: decode(body.replaceAll(/<[^>]*>/g, '')), links };
}

const decoded = { '&amp;': '&', '&lt;': '<', '&gt;': '>', '&quot;': '"', '&#39;': "'" };

describe('A mail', () => {
  test('reads as text', () => {
    expect(renderMail(content).text).toBe(
      [
        'Confirm your address\n\nSomebody registered with this address.\n\nIf it was you:\nconfirm it.\n\n',
        'Confirm:\nhttps://almanac.example/#verify-email=a&b\n\n',
        '-- \nSent because <ada@example.org> was given.\n',
      ].join(''),
    );
  });

  test('shows the button and the address as a link, and breaks lines where the text does', () => {
    const { html } = renderMail(content);
    const { text, links } = readBack(html);
    expect(links).toEqual([content.action.url, content.action.url]);
    expect(text).toContain(content.action.url);
    expect(text).toContain(content.footer);
    expect(html).toContain('If it was you:<br>confirm it.');
  });

  test('without an action has no link, and without a footer none', () => {
    const { html, text } = renderMail({ title: 'Hello', paragraphs: ['World'] });
    expect(readBack(html).links).toEqual([]);
    expect(html).not.toContain('padding: 16px 33px 0');
    expect(text).toBe('Hello\n\nWorld\n');
  });

  test('loads nothing from elsewhere', () => {
    expect(renderMail(content).html).not.toMatch(/<img|<link|<script|@import|url\(|src=/);
  });

  test('says what it is given and takes none of it for markup', () => {
    const hostile = fc.string({ unit: fc.constantFrom(...'<>&"\'=/ab#;') });
    const plain = readBack(
      renderMail({ title: 'a', paragraphs: ['a'], action: { label: 'a', url: 'a' }, footer: 'a' }).html,
    );
    fc.assert(
      fc.property(fc.tuple(hostile, hostile, hostile, hostile, hostile), (said) => {
        const [title, paragraph, label, url, footer] = said;
        const { html } = renderMail({ title, paragraphs: [paragraph], action: { label, url }, footer });
        const read = readBack(html);
        expect(read.tags.map((tag) => tag.replace(/href="[^"]*"/, 'href="a"'))).toEqual(plain.tags);
        expect(read.links).toEqual([url, url]);
        for (const part of said) expect(read.text).toContain(part);
        expect(html.slice(0, html.indexOf('<body'))).not.toMatch(/<title>[^<]*<(?!\/title>)/);
      }),
    );
  });
});
