/** @typedef {import('../../../contract/weekly.ts').WeeklyData} WeeklyData */
/** @typedef {'connecting' | 'live' | 'stale' | 'offline'} LiveState */

/** The server serves the client that fits it. */
const clientPath = '/socket.io/socket.io.esm.min.js';
const answerTimeoutMs = 10_000;
const retryMs = 3_000;
const leastTurnMs = 30_000;
const mostTimerMs = 2 ** 31 - 1;

/**
 * Follows the running week of an organization over a socket of its own. After a break it subscribes again, and when the
 * week turns it asks for the new one.
 * @param {string} organization
 * @param {{
 *   onWeek: (week: WeeklyData) => void,
 *   onState: (state: LiveState) => void,
 *   renewSession: () => Promise<boolean>,
 * }} options
 */
export async function followWeek(organization, { onWeek, onState, renewSession }) {
  const { io } = await /** @type {Promise<typeof import('socket.io-client')>} */ (import(clientPath));
  const socket = io('/', { auth: { organization }, forceNew: true, reconnectionDelayMax: retryMs });
  let turn = 0;

  const subscribe = () => {
    socket.timeout(answerTimeoutMs).emit(
      'subscribe_weekly_updates',
      { week: 'current' },
      /** @type {(error: Error | null, answer?: { success: boolean }) => void} */
      (error, answer) => {
        if (socket.connected && (error || !answer?.success)) onState('stale');
      },
    );
  };
  const reconnect = () => {
    const connectSoon = () => void setTimeout(() => socket.connect(), retryMs);
    renewSession().then(connectSoon, connectSoon);
  };

  socket.on('connect', subscribe);
  socket.on('weekly_data_update', (/** @type {WeeklyData} */ week) => {
    onWeek(week);
    onState('live');
    clearTimeout(turn);
    const untilEndMs = Date.parse(week.week.end) - Date.now() + 2_000;
    turn = window.setTimeout(subscribe, Math.min(Math.max(untilEndMs, leastTurnMs), mostTimerMs));
  });
  socket.on('disconnect', (reason) => {
    onState('offline');
    if (reason === 'io server disconnect') reconnect();
  });
  socket.on('connect_error', () => {
    onState('offline');
    if (!socket.active) reconnect();
  });
}
