/**
 * A moment in the reader's words, on the organization's clock.
 * @param {string} iso
 * @param {{ timezone: string }} organization
 */
export function tellMoment(iso, { timezone }) {
  return new Intl.DateTimeFormat(undefined, {
    timeZone: timezone,
    day: 'numeric',
    month: 'short',
    year: 'numeric',
    hour: 'numeric',
    minute: '2-digit',
    timeZoneName: 'short',
  }).format(new Date(iso));
}

/**
 * @param {string} iso
 * @param {{ timezone: string }} organization
 */
export function tellDay(iso, { timezone }) {
  return new Intl.DateTimeFormat(undefined, { timeZone: timezone, dateStyle: 'medium' }).format(new Date(iso));
}

/** In the order in which they are looked for: most name others of them too. */
const browsers = [
  ['Edg', 'Edge'],
  ['OPR', 'Opera'],
  ['Firefox', 'Firefox'],
  ['Chrom', 'Chrome'],
  ['Safari', 'Safari'],
];
const systems = [
  ['Windows', 'Windows'],
  ['Android', 'Android'],
  ['iPhone', 'iPhone'],
  ['iPad', 'iPad'],
  ['Mac OS X', 'macOS'],
  ['Linux', 'Linux'],
];
const mostShown = 60;

/**
 * The program that a session belongs to, as far as it names itself.
 * @param {string | null} userAgent
 */
export function tellProgram(userAgent) {
  if (!userAgent) return 'An unnamed program';
  const nameIn = (/** @type {string[][]} */ table) => table.find(([mark = '']) => userAgent.includes(mark))?.[1];
  const browser = nameIn(browsers);
  if (!browser) return userAgent.slice(0, mostShown);
  const system = nameIn(systems);
  return system ? `${browser} on ${system}` : browser;
}
