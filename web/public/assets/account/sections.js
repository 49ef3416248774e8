import { openApiKeys } from './api-keys.js';
import { openMails } from './mails.js';
import { openMembers } from './members.js';
import { openOrganization } from './organization.js';
import { openPersonalData } from './personal-data.js';
import { openProfile } from './profile.js';
import { openSecondFactor } from './second-factor.js';
import { openSessions } from './sessions.js';

/** @typedef {import('./open-account.js').Account} Account */
/**
 * One section of the account.
 * @typedef {object} Section
 * @property {string} name what stands after `#account/`
 * @property {string} title
 * @property {(account: Account) => Promise<Node[]>} open
 * @property {boolean} [isOfOrganization] what it shows depends on the organization acted in
 * @property {(account: Pick<Account, 'profile' | 'organization'>) => boolean} [isFor] who is shown it
 */

/** @type {readonly Section[]} */
export const sections = [
  { name: 'profile', title: 'Profile', open: openProfile },
  { name: 'second-factor', title: 'Second factor', open: openSecondFactor },
  { name: 'sessions', title: 'Sessions', open: openSessions },
  { name: 'api-keys', title: 'API keys', open: openApiKeys, isOfOrganization: true },
  { name: 'organization', title: 'Organization', open: openOrganization, isOfOrganization: true },
  { name: 'members', title: 'Members', open: openMembers, isOfOrganization: true },
  { name: 'data', title: 'Your data', open: openPersonalData },
  { name: 'mails', title: 'Mails', open: openMails, isFor: ({ profile }) => profile.is_instance_admin },
];
