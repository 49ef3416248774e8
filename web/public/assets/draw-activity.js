import { element, writeText } from './dom.js';

/** @typedef {import('../../../contract/weekly.ts').WeeklyData} WeeklyData */
/** @typedef {import('../../../contract/weekly.ts').DayActivity} DayActivity */
/** @typedef {import('./formats.js').Formats} Formats */
/** @typedef {'past' | 'today' | 'future'} DayPlace */

/** @type {readonly { key: 'uploads' | 'updates' | 'decisions' | 'completed', label: string }[]} */
const series = [
  { key: 'completed', label: 'Completed' },
  { key: 'updates', label: 'Updates' },
  { key: 'uploads', label: 'Uploads' },
  { key: 'decisions', label: 'Decisions' },
];

/**
 * The bars of seven days. A day that is not over is hatched, one that is to come has no bar and no number.
 * @param {Formats} formats
 */
export function createActivity(formats) {
  const scale = [element('span', { class: 'tick top' }), element('span', { class: 'tick middle' })];
  const days = Array.from({ length: 7 }, createDay);
  const rows = element('tbody');
  const plot = element('div', { class: 'plot', 'aria-hidden': 'true' }, ...scale, ...days.map(({ node }) => node));
  const legend = element('ul', { class: 'legend' });
  legend.append(...series.map(({ key, label }) => element('li', { class: `of-${key}` }, label)));
  const partial = element('li', { class: 'partial' }, 'hatched: today so far');
  legend.append(partial);
  return {
    node: element(
      'section',
      { class: 'block activity' },
      element('h3', {}, 'Activity by day'),
      legend,
      plot,
      element('details', {}, element('summary', {}, 'Show as a table'), createTable(rows)),
    ),
    /** @param {WeeklyData} data */
    show: ({ chartData: { weeklyActivity } }) => {
      const today = formats.isoDay(new Date());
      const most = roundUp(Math.max(...weeklyActivity.map(totalOf)));
      for (const [index, tick] of scale.entries()) writeText(tick, formats.number(index === 0 ? most : most / 2));
      for (const [index, day] of weeklyActivity.entries()) {
        days[index]?.show(day, { most, place: placeOf(day, today), formats });
      }
      partial.hidden = !weeklyActivity.some(({ date }) => date === today);
      rows.replaceChildren(...weeklyActivity.map((day) => createRow(day, placeOf(day, today), formats)));
    },
  };
}

function createDay() {
  const segments = series.map(({ key }) => ({ key, bar: element('span', { class: `segment of-${key}` }) }));
  const total = element('span', { class: 'total' });
  const name = element('span', { class: 'weekday' });
  const date = element('span', { class: 'date' });
  const stack = element('span', { class: 'stack' }, total, ...segments.map(({ bar }) => bar).reverse());
  const node = element('div', { class: 'day' }, stack, element('span', { class: 'label' }, name, date));
  return {
    node,
    /**
     * @param {DayActivity} day
     * @param {{ most: number, place: DayPlace, formats: Formats }} options
     */
    show: (day, { most, place, formats }) => {
      const sum = totalOf(day);
      node.dataset.place = place;
      writeText(name, formats.weekday(day.date));
      writeText(date, formats.dayOfMonth(day.date));
      writeText(total, place === 'future' && sum === 0 ? '' : formats.number(sum));
      for (const { key, bar } of segments) bar.style.setProperty('height', `${(day[key] / most) * 100}%`);
    },
  };
}

/** @param {HTMLElement} rows */
function createTable(rows) {
  const heads = ['Day', ...series.map(({ label }) => label), 'Total'];
  return element(
    'table',
    {},
    element('caption', { class: 'unseen' }, 'Activity by day'),
    element('thead', {}, element('tr', {}, ...heads.map((text) => element('th', { scope: 'col' }, text)))),
    rows,
  );
}

/**
 * @param {DayActivity} day
 * @param {DayPlace} place
 * @param {Formats} formats
 */
function createRow(day, place, formats) {
  const name = `${formats.weekday(day.date)}, ${formats.dayOfMonth(day.date)}`;
  const isOpen = place === 'future' && totalOf(day) === 0;
  const numbers = [...series.map(({ key }) => day[key]), totalOf(day)];
  return element(
    'tr',
    {},
    element('th', { scope: 'row' }, place === 'today' ? `${name} (so far)` : name),
    ...numbers.map((number) => element('td', {}, isOpen ? '–' : formats.number(number))),
  );
}

/** @param {DayActivity} day */
function totalOf({ uploads, updates, decisions, completed }) {
  return uploads + updates + decisions + completed;
}

/**
 * @param {DayActivity} day
 * @param {string} today
 * @returns {DayPlace}
 */
function placeOf({ date }, today) {
  if (date === today) return 'today';
  return date < today ? 'past' : 'future';
}

/**
 * The next round and even number, so that half of it can be written on the scale.
 * @param {number} value
 */
function roundUp(value) {
  if (value <= 2) return 2;
  const power = 10 ** Math.floor(Math.log10(value));
  const step = [1, 2, 3, 4, 5, 6, 8, 10].find((factor) => factor * power >= value && (factor * power) % 2 === 0);
  return (step ?? 10) * power;
}
