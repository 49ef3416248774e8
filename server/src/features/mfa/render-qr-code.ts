import { encode } from 'uqr';

/** Modules of light around the code: readers need four (ISO/IEC 18004). */
const quietModules = 4;

/**
 * Draws a text as a QR code: an SVG of one square and one path, made of numbers only, so that it can stand inline in a
 * page. It brings its own light ground, and so scans on dark pages too.
 */
export function renderQrCode(text: string): string {
  const { data, size } = encode(text, { border: quietModules, boostEcc: true });
  const path = data.flatMap((row, y) => findRuns(row).map(({ x, length }) => `M${x} ${y}h${length}v1h-${length}z`));
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size} ${size}" role="img" aria-label="QR code" ` +
    `shape-rendering="crispEdges"><path fill="#fff" d="M0 0h${size}v${size}h-${size}z"/>` +
    `<path fill="#000" d="${path.join('')}"/></svg>`
  );
}

/** The runs of dark modules in a row. */
function findRuns(row: readonly boolean[]): { x: number; length: number }[] {
  const starts = row.flatMap((isDark, x) => (isDark && !row[x - 1] ? [x] : []));
  return starts.map((x) => {
    const end = row.indexOf(false, x);
    return { x, length: (end === -1 ? row.length : end) - x };
  });
}
