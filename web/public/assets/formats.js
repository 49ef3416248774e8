/** @typedef {import('../../../contract/weekly.ts').WeeklyData} WeeklyData */
/** @typedef {ReturnType<typeof createFormats>} Formats */

/**
 * Writes numbers and dates as the reader's locale does, with times on the organization's clock.
 * @param {string} timeZone
 */
export function createFormats(timeZone) {
  const number = new Intl.NumberFormat();
  const percent = new Intl.NumberFormat(undefined, { style: 'percent', maximumFractionDigits: 1 });
  const change = new Intl.NumberFormat(undefined, {
    style: 'percent',
    maximumFractionDigits: 1,
    signDisplay: 'exceptZero',
  });
  let clock = createClock(timeZone);
  const weekday = new Intl.DateTimeFormat(undefined, { timeZone: 'UTC', weekday: 'short' });
  const dayOfMonth = new Intl.DateTimeFormat(undefined, { timeZone: 'UTC', day: 'numeric', month: 'short' });
  return {
    /**
     * Goes on with another clock, where the organization has one from now on.
     * @param {string} changed
     */
    follow: (changed) => {
      if (changed !== clock.timeZone) clock = createClock(changed);
    },
    /** @param {number} value */
    number: (value) => number.format(value),
    /** @param {number} value 12.5 for 12.5 % */
    percent: (value) => percent.format(value / 100),
    /** @param {number} value 12.5 for 12.5 %; the answer has a sign */
    change: (value) => change.format(value / 100),
    /** @param {WeeklyData['week']} week */
    period: ({ start, end }) => clock.period.formatRange(new Date(start), new Date(Date.parse(end) - 1)),
    /** @param {string} iso */
    moment: (iso) => clock.moment.format(new Date(iso)),
    /** @param {Date} date */
    second: (date) => clock.second.format(date),
    /** @param {string} date as 2024-12-18 */
    weekday: (date) => weekday.format(new Date(`${date}T12:00:00Z`)),
    /** @param {string} date as 2024-12-18 */
    dayOfMonth: (date) => dayOfMonth.format(new Date(`${date}T12:00:00Z`)),
    /** @param {Date} date @returns {string} the organization's day, as 2024-12-18 */
    isoDay: (date) => clock.isoDay.format(date),
    duration: formatHours,
  };
}

/** @param {string} timeZone */
function createClock(timeZone) {
  const format = (/** @type {Intl.DateTimeFormatOptions} */ options, /** @type {string} */ locale = '') =>
    new Intl.DateTimeFormat(locale || undefined, { timeZone, ...options });
  return {
    timeZone,
    period: format({ day: 'numeric', month: 'long', year: 'numeric' }),
    moment: format({ weekday: 'short', hour: 'numeric', minute: '2-digit' }),
    second: format({ timeStyle: 'medium' }),
    isoDay: format({ year: 'numeric', month: '2-digit', day: '2-digit' }, 'en-CA'),
  };
}

/**
 * @param {number} hours
 * @returns {string} in days from two days on
 */
function formatHours(hours) {
  const [value, unit] = hours >= 48 ? [hours / 24, 'day'] : [hours, 'hour'];
  const options = { style: 'unit', unit, unitDisplay: 'long', maximumFractionDigits: 0 };
  return new Intl.NumberFormat(undefined, /** @type {Intl.NumberFormatOptions} */ (options)).format(Math.floor(value));
}
