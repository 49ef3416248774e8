// Made from contract/ by `npm run generate`.

import type * as account from '@almanac/contract/account.ts';
import type * as apiKeys from '@almanac/contract/api-keys.ts';
import type * as assessments from '@almanac/contract/assessments.ts';
import type * as audit from '@almanac/contract/audit.ts';
import type * as businesses from '@almanac/contract/businesses.ts';
import type * as dashboard from '@almanac/contract/dashboard.ts';
import type * as engagement from '@almanac/contract/engagement.ts';
import type * as feed from '@almanac/contract/feed.ts';
import type * as identity from '@almanac/contract/identity.ts';
import type * as keys from '@almanac/contract/keys.ts';
import type * as mail from '@almanac/contract/mail.ts';
import type * as members from '@almanac/contract/members.ts';
import type * as metrics from '@almanac/contract/metrics.ts';
import type * as mfa from '@almanac/contract/mfa.ts';
import type * as organizations from '@almanac/contract/organizations.ts';
import type * as privacy from '@almanac/contract/privacy.ts';
import type * as reportTemplates from '@almanac/contract/report-templates.ts';
import type * as reports from '@almanac/contract/reports.ts';
import type * as subscription from '@almanac/contract/subscription.ts';
import type * as systemJobs from '@almanac/contract/system-jobs.ts';
import type * as system from '@almanac/contract/system.ts';
import type * as tenant from '@almanac/contract/tenant.ts';
import type * as weekly from '@almanac/contract/weekly.ts';

/** Every endpoint of the contract, by the two parts of its id. */
export interface Endpoints {
  apiKeys: {
    /** Make an API key for the organization acted in: `POST /auth/api-keys`. */
    create: typeof apiKeys.createApiKey;
    /** End an API key of one’s own; admins may end anybody’s: `DELETE /auth/api-keys/:id`. */
    delete: typeof apiKeys.deleteApiKey;
    /** One’s API keys in the organization, the newest first; for admins, everybody’s: `GET /auth/api-keys`. */
    list: typeof apiKeys.listApiKeys;
  };
  assessments: {
    /** Average scores by department or by role: `GET /api/dashboard/aggregations`. */
    aggregations: typeof assessments.getAggregations;
    /** Begin an assessment, or put in one that is done: `POST /api/assessments`. */
    create: typeof assessments.addAssessment;
    /** Assessments, the newest first: `GET /api/assessments`. */
    list: typeof assessments.listAssessments;
    /** Change an assessment: `PUT /api/assessments/:id`. */
    update: typeof assessments.updateAssessment;
  };
  audit: {
    /** Who read or changed what in the organization, the newest first: `GET /api/audit`. */
    list: typeof audit.listAuditEntries;
  };
  businesses: {
    /** Add to the numbers of a business’s day: `POST /api/businesses/:id/metrics`. */
    addMetrics: typeof businesses.addBusinessMetrics;
    /** Make a business: `POST /api/businesses`. */
    create: typeof businesses.addBusiness;
    /** Delete a business with its numbers: `DELETE /api/businesses/:id`. */
    delete: typeof businesses.deleteBusiness;
    /** One of one’s own businesses: `GET /api/businesses/:id`. */
    get: typeof businesses.getBusiness;
    /** One’s own businesses in the organization, the newest first: `GET /api/businesses`. */
    list: typeof businesses.listBusinesses;
    /** Change the fields of a business that are given: `PUT /api/businesses/:id`. */
    update: typeof businesses.updateBusiness;
  };
  dashboard: {
    /** What goes on now: `GET /api/dashboard/realtime`. */
    realtime: typeof dashboard.getRealtime;
    /** Who was active, what was assessed and measured, compared with the period before: `GET /api/dashboard/summary`. */
    summary: typeof dashboard.getDashboardSummary;
  };
  engagement: {
    /** Write down what members did: `POST /api/activity`. */
    addActivity: typeof engagement.addActivity;
  };
  feed: {
    /** Events past a cursor: `GET /api/feed`. */
    read: typeof feed.readFeed;
    /** Events as they come, as server-sent events: `GET /api/feed/stream`. */
    stream: typeof feed.streamFeedEvents;
  };
  identity: {
    /** Change one’s password; ends one’s other sessions: `POST /auth/change-password`. */
    changePassword: typeof account.changePassword;
    /** End one of one’s sessions: `DELETE /auth/sessions/:id`. */
    endSession: typeof account.endSession;
    /** One’s own account: `GET /users/profile`. */
    getProfile: typeof account.getProfile;
    /** One’s sessions, the last used first: `GET /auth/sessions`. */
    listSessions: typeof account.listSessions;
    /** Sign in: `POST /auth/login`. */
    login: typeof identity.login;
    /** Sign in, second step: `POST /auth/login/mfa`. */
    loginWithCode: typeof identity.loginWithCode;
    /** End this session, or all of one’s sessions: `POST /auth/logout`. */
    logout: typeof identity.logout;
    /** Exchange a refresh token for new tokens: `POST /auth/refresh`. */
    refresh: typeof identity.refresh;
    /** Make an account, with an organization of its own: `POST /auth/register`. */
    register: typeof identity.register;
    /** Have the link that confirms one’s address mailed again: `POST /auth/verify-email/resend`. */
    resendVerification: typeof account.resendVerification;
    /** Have a link mailed, or set a new password with it: `POST /auth/reset-password`. */
    resetPassword: typeof account.resetPassword;
    /** Change the fields given of one’s own account: `PUT /users/profile`. */
    updateProfile: typeof account.updateProfile;
    /** Prove with a mailed token that the address is one’s own: `POST /auth/verify-email`. */
    verifyEmail: typeof account.verifyEmail;
  };
  issuers: {
    /** The public key that access tokens verify by (RFC 7517): `GET /.well-known/jwks.json`. */
    keys: typeof keys.publishedKeys;
  };
  mail: {
    /** The mails of the last 30 days, the newest first: `GET /api/system/mails`. */
    list: typeof mail.listMails;
  };
  members: {
    /** Accept an invitation, signed in with the address it went to: `POST /invitations/accept`. */
    acceptInvitation: typeof members.acceptInvitation;
    /** Add somebody who has an account with a verified address: `POST /api/organizations/:id/members`. */
    add: typeof members.addMember;
    /** Invite an address by mail: `POST /api/organizations/:id/invitations`. */
    invite: typeof members.invite;
    /** Leave an organization; its last owner cannot: `POST /api/organizations/:id/leave`. */
    leave: typeof members.leaveOrganization;
    /** Who is in the organization, the longest first: `GET /api/organizations/:id/members`. */
    list: typeof members.listMembers;
    /** The open invitations, the newest first: `GET /api/organizations/:id/invitations`. */
    listInvitations: typeof members.listInvitations;
    /** Put a member out of the organization: `DELETE /api/organizations/:id/members/:user_id`. */
    remove: typeof members.removeMember;
    /** Take an invitation back: `DELETE /api/organizations/:id/invitations/:invitation_id`. */
    revokeInvitation: typeof members.revokeInvitation;
    /** Change a member’s role: `PUT /api/organizations/:id/members/:user_id`. */
    update: typeof members.updateMember;
  };
  metrics: {
    /** Write measured values: `POST /api/dashboard/metrics`. */
    addPoints: typeof metrics.addPoints;
    /** What is measured: `GET /api/dashboard/catalog`. */
    catalog: typeof metrics.getCatalog;
    /** Say how a metric is read: `PUT /api/dashboard/catalog/:metric_type/:metric_name`. */
    describe: typeof metrics.describeMetric;
    /** Measured values, or their hours, days or weeks, the newest first: `GET /api/dashboard/metrics`. */
    list: typeof metrics.listPoints;
    /** A metric week by week, and where it is going: `GET /api/dashboard/trends`. */
    trends: typeof metrics.getTrends;
  };
  mfa: {
    /** Turn the second factor off: `POST /auth/mfa/disable`. */
    disable: typeof mfa.disableMfa;
    /** Turn the second factor on with a code of it: `POST /auth/mfa/enable`. */
    enable: typeof mfa.enableMfa;
    /** Begin to set up a second factor (TOTP, RFC 6238): `POST /auth/mfa/setup`. */
    setUp: typeof mfa.setUpMfa;
  };
  organizations: {
    /** Make an organization and own it: `POST /api/organizations`. */
    create: typeof organizations.createOrganization;
    /** The organizations one belongs to: `GET /api/organizations`. */
    list: typeof organizations.listOrganizations;
    /** Change the name, the calendar, or whether members need a second factor: `PUT /api/organizations/:id`. */
    update: typeof organizations.updateOrganization;
  };
  privacy: {
    /** Delete one’s account and what is held about oneself: `DELETE /users/me`. */
    deleteAccount: typeof privacy.deleteAccount;
    /** Everything held about oneself, as one JSON file: `GET /users/export`. */
    export: typeof privacy.exportPersonalData;
  };
  reportTemplates: {
    /** Make a template: `POST /api/report-templates`. */
    create: typeof reportTemplates.addReportTemplate;
    /** Delete a template: `DELETE /api/report-templates/:id`. */
    delete: typeof reportTemplates.deleteReportTemplate;
    /** A template in its newest version: `GET /api/report-templates/:id`. */
    get: typeof reportTemplates.getReportTemplate;
    /** Templates, the oldest first: `GET /api/report-templates`. */
    list: typeof reportTemplates.listReportTemplates;
    /** Change the fields of a template that are given: `PUT /api/report-templates/:id`. */
    update: typeof reportTemplates.updateReportTemplate;
  };
  reports: {
    /** Archive a generated or published report: `POST /api/reports/:id/archive`. */
    archive: typeof reports.archiveReport;
    /** Make a draft: `POST /api/reports`. */
    create: typeof reports.addReport;
    /** Delete a report: `DELETE /api/reports/:id`. */
    delete: typeof reports.deleteReport;
    /** A report as a file: `GET /api/reports/:id/export`. */
    export: typeof reports.exportReport;
    /** Fill a report with the numbers of its period: `POST /api/reports/:id/generate`. */
    generate: typeof reports.generateReport;
    /** A report with its sections: `GET /api/reports/:id`. */
    get: typeof reports.getReport;
    /** Reports, the newest first: `GET /api/reports`. */
    list: typeof reports.listReports;
    /** Publish a generated report: `POST /api/reports/:id/publish`. */
    publish: typeof reports.publishReport;
    /** Change the fields of a report that are given: `PUT /api/reports/:id`. */
    update: typeof reports.updateReport;
  };
  subscription: {
    /** Change the tier of the organization acted in, at once: `POST /users/upgrade`. */
    change: typeof subscription.changeTier;
    /** The tier of the organization acted in, what it includes and what of it is used: `GET /users/subscription`. */
    get: typeof subscription.getSubscription;
  };
  system: {
    /** How the installation is, check by check: `GET /api/system/health`. */
    getHealth: typeof system.getHealth;
    /** What was measured of the installation in a period, as series and at last: `GET /api/system/performance`. */
    getPerformance: typeof system.getPerformance;
    /** The alerts about the installation, open and past, the newest first: `GET /api/system/alerts`. */
    listAlerts: typeof system.listAlerts;
    /** The runs of a job in the last 90 days, the newest first: `GET /api/system/jobs/:name/logs`. */
    listJobLogs: typeof systemJobs.listJobLogs;
    /** The jobs with their schedules, their last runs and their failures, by name: `GET /api/system/jobs`. */
    listJobs: typeof systemJobs.listJobs;
    /** Run a job now, for all organizations, even while it is paused: `POST /api/system/jobs`. */
    runJob: typeof systemJobs.runJob;
    /** Change a job’s schedule, pause and failure threshold: `PATCH /api/system/jobs/:name`. */
    updateJob: typeof systemJobs.updateJob;
  };
  tenant: {
    /** KPIs over all one’s businesses, and the newest of these: `GET /api/dashboard/tenant`. */
    dashboard: typeof tenant.getTenantDashboard;
    /** KPIs over all one’s businesses alone, for polling: `GET /api/dashboard/tenant/kpis`. */
    kpis: typeof tenant.getTenantKpis;
  };
  weekly: {
    /** Post activity items: `POST /api/weekly/items`. */
    addItems: typeof weekly.addItems;
    /** A week as a file: `GET /api/weekly/export`. */
    export: typeof weekly.exportWeek;
    /** Seven days of activity, first day of the week first, zeros included: `GET /api/weekly/activity`. */
    getActivity: typeof weekly.getActivity;
    /** The six numbers, compared with the week before: `GET /api/weekly/stats`. */
    getStats: typeof weekly.getStats;
    /** The weekly data object: `GET /api/weekly/summary`. */
    getSummary: typeof weekly.getSummary;
    /** Pending reviews, oldest first: `GET /api/weekly/pending`. */
    listPending: typeof weekly.listPending;
    /** Recompute a week and push it to everyone who watches: `POST /api/weekly/refresh`. */
    refresh: typeof weekly.refreshWeek;
  };
}
