import fc from 'fast-check';
import { encode } from 'uqr';
import { describe, expect, test } from 'vitest';
import { renderQrCode } from './render-qr-code.ts';

const uri = 'otpauth://totp/Almanac:ada%40example.org?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Almanac';

/** The size of the drawing and its dark squares, read back from the SVG. */
function readBack(svg: string) {
  const size = Number(/viewBox="0 0 (\d+) \1"/.exec(svg)?.[1]);
  const dark = Array.from({ length: size }, () => Array.from({ length: size }, () => false));
  const path = /<path fill="#000" d="([^"]*)"/.exec(svg)?.[1] ?? '';
  for (const [, x, y, length] of path.matchAll(/M(\d+) (\d+)h(\d+)v1h-\3z/g)) {
    dark[Number(y)]?.fill(true, Number(x), Number(x) + Number(length));
  }
  return { size, dark };
}

describe('The QR code', () => {
  test('draws the modules of the text, with four light ones around', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1, maxLength: 300 }), (text) => {
        const modules = encode(text, { border: 0, boostEcc: true });
        const { size, dark } = readBack(renderQrCode(text));
        expect(size).toBe(modules.size + 8);
        expect(dark.slice(4, -4).map((row) => row.slice(4, -4))).toEqual(modules.data);
        const isQuiet = (at: number) => at < 4 || at >= size - 4;
        expect(dark.some((row, y) => row.some((isDark, x) => isDark && (isQuiet(x) || isQuiet(y))))).toBe(false);
      }),
      { numRuns: 25 },
    );
  });

  test('stands on light ground of its own, so that it scans on a dark page', () => {
    const { size } = readBack(renderQrCode(uri));
    const ground = `<path fill="#fff" d="M0 0h${size}v${size}h-${size}z"/>`;
    const svg = renderQrCode(uri);
    expect(svg).toContain(ground);
    expect(svg.indexOf(ground)).toBeLessThan(svg.indexOf('fill="#000"'));
  });

  test('can stand inline: two paths, and nothing of the text', () => {
    for (const text of [uri, '"><script>alert(1)</script>', '&lt;', "' onload='"]) {
      expect(renderQrCode(text)).toMatch(
        /^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg" viewBox="[\d ]+" role="img" aria-label="QR code" shape-rendering="crispEdges">(<path fill="#(fff|000)" d="[Mhvz\d -]+"\/>){2}<\/svg>$/,
      );
    }
  });
});
