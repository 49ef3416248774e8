// Made from contract/permissions.ts and contract/tiers.ts by `npm run generate`.

/** The roles, the strongest first. */
export const roles = ['owner', 'admin', 'analyst', 'member', 'viewer'];

/** What takes which role at least, and whether an API key can be given it. */
export const permissions = {
  'weekly:read': {
    leastRole: 'viewer',
    isScope: true,
    meaning: 'See the weekly dashboard and export it.',
  },
  'weekly:refresh': {
    leastRole: 'viewer',
    isScope: true,
    meaning: 'Have a week recomputed.',
  },
  'weekly:write': {
    leastRole: 'member',
    isScope: true,
    meaning: 'Post activity items.',
  },
  'metrics:read': {
    leastRole: 'viewer',
    isScope: true,
    meaning: 'See what is measured, its values and trends.',
  },
  'metrics:write': {
    leastRole: 'member',
    isScope: true,
    meaning: 'Write measured values.',
  },
  'metrics:describe': {
    leastRole: 'analyst',
    isScope: true,
    meaning: 'Say how a metric is read: unit, direction, aggregation.',
  },
  'dashboard:read': {
    leastRole: 'viewer',
    isScope: true,
    meaning: 'See the dashboards of the organization.',
  },
  'reports:read': {
    leastRole: 'viewer',
    isScope: true,
    meaning: 'See the reports and templates, and export them.',
  },
  'reports:write': {
    leastRole: 'analyst',
    isScope: true,
    meaning: 'Make, generate, publish and delete reports and templates.',
  },
  'activity:write': {
    leastRole: 'member',
    isScope: true,
    meaning: 'Write down activity; that of other members, with the role admin or higher or an API key.',
  },
  'assessments:read': {
    leastRole: 'analyst',
    isScope: true,
    meaning: 'See the assessments of members.',
  },
  'assessments:write': {
    leastRole: 'member',
    isScope: true,
    meaning: 'Make and change one’s own assessments; those of others, with the role admin or higher.',
  },
  'businesses:read': {
    leastRole: 'viewer',
    isScope: true,
    meaning: 'See one’s own businesses.',
  },
  'businesses:write': {
    leastRole: 'member',
    isScope: true,
    meaning: 'Make, change and delete one’s own businesses, and add to their numbers.',
  },
  'tenant:read': {
    leastRole: 'viewer',
    isScope: true,
    meaning: 'See the KPIs over one’s businesses, and follow them; with an account of the type tenant.',
  },
  'feed:read': {
    leastRole: 'viewer',
    isScope: true,
    meaning: 'Follow the organization’s events.',
  },
  'organizations:read': {
    leastRole: 'viewer',
    isScope: true,
    meaning: 'See the organizations one belongs to.',
  },
  'organizations:join': {
    leastRole: 'viewer',
    isScope: false,
    meaning: 'Make an organization, accept an invitation, leave.',
  },
  'organizations:write': {
    leastRole: 'owner',
    isScope: true,
    meaning: 'Change the organization’s settings.',
  },
  'members:read': {
    leastRole: 'viewer',
    isScope: true,
    meaning: 'See who is in the organization.',
  },
  'members:write': {
    leastRole: 'admin',
    isScope: true,
    meaning: 'Invite and remove members and change roles; those of owners and admins, owners alone.',
  },
  'subscription:read': {
    leastRole: 'viewer',
    isScope: true,
    meaning: 'See the tier, what it includes and what of it is used.',
  },
  'subscription:write': {
    leastRole: 'owner',
    isScope: false,
    meaning: 'Change the tier.',
  },
  'audit:read': {
    leastRole: 'admin',
    isScope: true,
    meaning: 'See who read or changed what.',
  },
  'profile:read': {
    leastRole: 'viewer',
    isScope: true,
    meaning: 'See one’s own profile.',
  },
  'account:write': {
    leastRole: 'viewer',
    isScope: false,
    meaning: 'Change one’s profile, password, second factor and sessions; export and delete what is held about one.',
  },
  'api-keys:own': {
    leastRole: 'viewer',
    isScope: false,
    meaning: 'See, make and end one’s own API keys.',
  },
  'api-keys:manage': {
    leastRole: 'admin',
    isScope: false,
    meaning: 'See and end the API keys of all members.',
  },
  'system:read': {
    leastRole: 'viewer',
    isScope: false,
    meaning: 'See how the installation runs, and the mails it keeps.',
  },
  'system:write': {
    leastRole: 'viewer',
    isScope: false,
    meaning: 'Run jobs, change their schedules, pause and resume them.',
  },
};

/** What each tier includes; null for no limit. */
export const tiers = {
  free: {
    sources: 3,
    members: 3,
    forecast_days: 30,
    requests_per_minute: 120,
    raw_retention_days: 90,
    required_mfa: false,
  },
  pro: {
    sources: 25,
    members: 25,
    forecast_days: 90,
    requests_per_minute: 600,
    raw_retention_days: 730,
    required_mfa: false,
  },
  enterprise: {
    sources: null,
    members: null,
    forecast_days: null,
    requests_per_minute: 3000,
    raw_retention_days: null,
    required_mfa: true,
  },
};
