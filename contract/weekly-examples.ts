/** Example answers of the weekly endpoints, as the documentation shows them. */

const item = {
  id: '01938f6e-2b7a-7c3e-9a51-0f1e2d3c4b5a',
  title: 'Rewrote the onboarding guide',
  author: 'Ada',
  category: 'Documentation',
  impact: 'high' as const,
  status: 'done',
  occurred_at: '2024-12-18T10:15:00.000Z',
  url: null,
};

const stats = { newUploads: 0, updates: 1, decisions: 0, completedTasks: 0, contributors: 1, pendingReviews: 0 };

const dayNames = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];

export const exampleActivity = dayNames.map((day, index) => ({
  day,
  date: `2024-12-${16 + index}`,
  uploads: 0,
  updates: day === 'Wed' ? 1 : 0,
  decisions: 0,
  completed: 0,
}));

export const exampleStats = {
  ...stats,
  previous: { ...stats, updates: 0, contributors: 0 },
  change: { newUploads: 0, updates: null, decisions: 0, completedTasks: 0, contributors: null, pendingReviews: 0 },
  change_reason: { updates: 'previous_zero', contributors: 'previous_zero' },
  comparison: { basis: 'full_week' as const, week: '2024-W50', until: '2024-12-16T00:00:00.000Z' },
};

export const examplePending = [{ ...item, status: 'pending', waitingHours: 26.5 }];

const none = { shown: 0, total: 0 };

export const exampleWeek = {
  period: 'Dec 16 - Dec 22, 2024',
  generated: '2024-12-23 09:00 AM',
  week: {
    id: '2024-W51',
    start: '2024-12-16T00:00:00.000Z',
    end: '2024-12-23T00:00:00.000Z',
    timezone: 'UTC',
    complete: true,
    elapsed_fraction: 1,
  },
  as_of: '2024-12-18T10:15:02.000Z',
  version: 1,
  demo: false,
  stats,
  highlights: ['Rewrote the onboarding guide (Ada, high impact)'],
  uploads: [],
  updates: [item],
  decisions: [],
  completed: [],
  pending: [],
  counts: { uploads: none, updates: { shown: 1, total: 1 }, decisions: none, completed: none, pending: none },
  chartData: {
    weeklyActivity: exampleActivity,
    categoryBreakdown: [{ name: 'Documentation', value: 1, percentage: 100 }],
    impactDistribution: [
      { name: 'High', value: 1, percentage: 100 },
      { name: 'Medium', value: 0, percentage: 0 },
      { name: 'Low', value: 0, percentage: 0 },
    ],
  },
};
