// Made from contract/ by `npm run generate`.

import type { Manifest } from '../endpoint-facts.ts';

export const endpoints = {
  apiKeys: {
    create: { method: 'POST', path: '/auth/api-keys', envelope: 'plain' },
    delete: { method: 'DELETE', path: '/auth/api-keys/:id', envelope: 'plain' },
    list: { method: 'GET', path: '/auth/api-keys', envelope: 'plain' },
  },
  assessments: {
    aggregations: { method: 'GET', path: '/api/dashboard/aggregations', envelope: 'plain' },
    create: { method: 'POST', path: '/api/assessments', envelope: 'plain', isIdempotent: true },
    list: { method: 'GET', path: '/api/assessments', envelope: 'plain' },
    update: { method: 'PUT', path: '/api/assessments/:id', envelope: 'plain' },
  },
  audit: {
    list: { method: 'GET', path: '/api/audit', envelope: 'plain' },
  },
  businesses: {
    addMetrics: { method: 'POST', path: '/api/businesses/:id/metrics', envelope: 'success', isIdempotent: true },
    create: { method: 'POST', path: '/api/businesses', envelope: 'success', isIdempotent: true },
    delete: { method: 'DELETE', path: '/api/businesses/:id', envelope: 'success' },
    get: { method: 'GET', path: '/api/businesses/:id', envelope: 'success' },
    list: { method: 'GET', path: '/api/businesses', envelope: 'success' },
    update: { method: 'PUT', path: '/api/businesses/:id', envelope: 'success' },
  },
  dashboard: {
    realtime: { method: 'GET', path: '/api/dashboard/realtime', envelope: 'plain' },
    summary: { method: 'GET', path: '/api/dashboard/summary', envelope: 'plain' },
  },
  engagement: {
    addActivity: { method: 'POST', path: '/api/activity', envelope: 'plain', isIdempotent: true },
  },
  feed: {
    read: { method: 'GET', path: '/api/feed', envelope: 'plain' },
    stream: { method: 'GET', path: '/api/feed/stream', envelope: 'plain', isFile: true },
  },
  identity: {
    changePassword: { method: 'POST', path: '/auth/change-password', envelope: 'plain' },
    endSession: { method: 'DELETE', path: '/auth/sessions/:id', envelope: 'plain' },
    getProfile: { method: 'GET', path: '/users/profile', envelope: 'plain' },
    listSessions: { method: 'GET', path: '/auth/sessions', envelope: 'plain' },
    login: { method: 'POST', path: '/auth/login', envelope: 'plain', opensSession: true },
    loginWithCode: { method: 'POST', path: '/auth/login/mfa', envelope: 'plain', opensSession: true },
    logout: { method: 'POST', path: '/auth/logout', envelope: 'plain' },
    refresh: { method: 'POST', path: '/auth/refresh', envelope: 'plain', opensSession: true },
    register: { method: 'POST', path: '/auth/register', envelope: 'plain', opensSession: true },
    resendVerification: { method: 'POST', path: '/auth/verify-email/resend', envelope: 'plain' },
    resetPassword: { method: 'POST', path: '/auth/reset-password', envelope: 'plain' },
    updateProfile: { method: 'PUT', path: '/users/profile', envelope: 'plain' },
    verifyEmail: { method: 'POST', path: '/auth/verify-email', envelope: 'plain' },
  },
  issuers: {
    keys: { method: 'GET', path: '/.well-known/jwks.json', envelope: 'plain' },
  },
  mail: {
    list: { method: 'GET', path: '/api/system/mails', envelope: 'plain' },
  },
  members: {
    acceptInvitation: { method: 'POST', path: '/invitations/accept', envelope: 'plain' },
    add: { method: 'POST', path: '/api/organizations/:id/members', envelope: 'plain', isIdempotent: true },
    invite: { method: 'POST', path: '/api/organizations/:id/invitations', envelope: 'plain', isIdempotent: true },
    leave: { method: 'POST', path: '/api/organizations/:id/leave', envelope: 'plain' },
    list: { method: 'GET', path: '/api/organizations/:id/members', envelope: 'plain' },
    listInvitations: { method: 'GET', path: '/api/organizations/:id/invitations', envelope: 'plain' },
    remove: { method: 'DELETE', path: '/api/organizations/:id/members/:user_id', envelope: 'plain' },
    revokeInvitation: { method: 'DELETE', path: '/api/organizations/:id/invitations/:invitation_id', envelope: 'plain' },
    update: { method: 'PUT', path: '/api/organizations/:id/members/:user_id', envelope: 'plain' },
  },
  metrics: {
    addPoints: { method: 'POST', path: '/api/dashboard/metrics', envelope: 'plain', isIdempotent: true, takesLines: true },
    catalog: { method: 'GET', path: '/api/dashboard/catalog', envelope: 'plain' },
    describe: { method: 'PUT', path: '/api/dashboard/catalog/:metric_type/:metric_name', envelope: 'plain' },
    list: { method: 'GET', path: '/api/dashboard/metrics', envelope: 'plain' },
    trends: { method: 'GET', path: '/api/dashboard/trends', envelope: 'plain' },
  },
  mfa: {
    disable: { method: 'POST', path: '/auth/mfa/disable', envelope: 'plain' },
    enable: { method: 'POST', path: '/auth/mfa/enable', envelope: 'plain' },
    setUp: { method: 'POST', path: '/auth/mfa/setup', envelope: 'plain' },
  },
  organizations: {
    create: { method: 'POST', path: '/api/organizations', envelope: 'plain', isIdempotent: true },
    list: { method: 'GET', path: '/api/organizations', envelope: 'plain' },
    update: { method: 'PUT', path: '/api/organizations/:id', envelope: 'plain' },
  },
  privacy: {
    deleteAccount: { method: 'DELETE', path: '/users/me', envelope: 'plain' },
    export: { method: 'GET', path: '/users/export', envelope: 'plain', isFile: true },
  },
  reportTemplates: {
    create: { method: 'POST', path: '/api/report-templates', envelope: 'plain', isIdempotent: true },
    delete: { method: 'DELETE', path: '/api/report-templates/:id', envelope: 'plain' },
    get: { method: 'GET', path: '/api/report-templates/:id', envelope: 'plain' },
    list: { method: 'GET', path: '/api/report-templates', envelope: 'plain' },
    update: { method: 'PUT', path: '/api/report-templates/:id', envelope: 'plain' },
  },
  reports: {
    archive: { method: 'POST', path: '/api/reports/:id/archive', envelope: 'plain' },
    create: { method: 'POST', path: '/api/reports', envelope: 'plain', isIdempotent: true },
    delete: { method: 'DELETE', path: '/api/reports/:id', envelope: 'plain' },
    export: { method: 'GET', path: '/api/reports/:id/export', envelope: 'plain', isFile: true },
    generate: { method: 'POST', path: '/api/reports/:id/generate', envelope: 'plain' },
    get: { method: 'GET', path: '/api/reports/:id', envelope: 'plain' },
    list: { method: 'GET', path: '/api/reports', envelope: 'plain' },
    publish: { method: 'POST', path: '/api/reports/:id/publish', envelope: 'plain' },
    update: { method: 'PUT', path: '/api/reports/:id', envelope: 'plain' },
  },
  subscription: {
    change: { method: 'POST', path: '/users/upgrade', envelope: 'plain' },
    get: { method: 'GET', path: '/users/subscription', envelope: 'plain' },
  },
  system: {
    getHealth: { method: 'GET', path: '/api/system/health', envelope: 'plain' },
    getPerformance: { method: 'GET', path: '/api/system/performance', envelope: 'plain' },
    listAlerts: { method: 'GET', path: '/api/system/alerts', envelope: 'plain' },
    listJobLogs: { method: 'GET', path: '/api/system/jobs/:name/logs', envelope: 'plain' },
    listJobs: { method: 'GET', path: '/api/system/jobs', envelope: 'plain' },
    runJob: { method: 'POST', path: '/api/system/jobs', envelope: 'plain' },
    updateJob: { method: 'PATCH', path: '/api/system/jobs/:name', envelope: 'plain' },
  },
  tenant: {
    dashboard: { method: 'GET', path: '/api/dashboard/tenant', envelope: 'success' },
    kpis: { method: 'GET', path: '/api/dashboard/tenant/kpis', envelope: 'success' },
  },
  weekly: {
    addItems: { method: 'POST', path: '/api/weekly/items', envelope: 'success', isIdempotent: true },
    export: { method: 'GET', path: '/api/weekly/export', envelope: 'success', isFile: true },
    getActivity: { method: 'GET', path: '/api/weekly/activity', envelope: 'success' },
    getStats: { method: 'GET', path: '/api/weekly/stats', envelope: 'success' },
    getSummary: { method: 'GET', path: '/api/weekly/summary', envelope: 'success' },
    listPending: { method: 'GET', path: '/api/weekly/pending', envelope: 'success' },
    refresh: { method: 'POST', path: '/api/weekly/refresh', envelope: 'success' },
  },
} as const satisfies Manifest;
