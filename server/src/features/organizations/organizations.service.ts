import type { EndpointAnswer, EndpointInput } from '@almanac/contract/endpoint.ts';
import type { createOrganization, updateOrganization } from '@almanac/contract/organizations.ts';
import { isPermitted } from '@almanac/contract/permissions.ts';
import { entitlements, tiers } from '@almanac/contract/tiers.ts';
import { recordChange } from '#features/audit/index.ts';
import type { WeekCalendar } from '#kernel/weeks.ts';
import { forbidden, type UserPrincipal } from '#platform/access/principal.ts';
import type { IdempotentCall } from '#platform/db/idempotency.ts';
import { runOnceInInstance } from '#platform/db/once-in-instance.ts';
import type { InstanceTx, OrganizationTx, Scopes } from '#platform/db/scopes.ts';
import { AppError } from '#platform/errors/app-error.ts';
import type { Feed } from '#platform/feed/feed.ts';
import { refuseOtherChanges } from './check-change.ts';
import { makeSlug } from './make-slug.ts';
import {
  emptyName,
  nameOfSeveralLines,
  ownSecondFactorNeeded,
  tooManyOwned,
  unknownTimeZone,
} from './organizations.errors.ts';
import {
  countOwned,
  hasSecondFactor,
  insertOrganization,
  insertOwner,
  knowsTimeZone,
  listMemberships,
  lockCalendar,
  lockForChange,
  type MembershipRow,
  updateOrganization as storeOrganization,
} from './organizations.store.ts';
import { readTimeZone } from './read-time-zone.ts';

/** How many organizations a user can own: enough for anybody, too few to fill the database with. */
const mostOwned = 20;

type OrganizationView = EndpointAnswer<typeof createOrganization>;
type NewOrganization = EndpointInput<typeof createOrganization>['body'];
type OrganizationChange = EndpointInput<typeof updateOrganization>['body'];

/** The use cases of organizations. */
export interface OrganizationsService {
  list(principal: UserPrincipal): Promise<OrganizationView[]>;
  /** Throws VALIDATION_ERROR for an empty name or an unknown zone, CONFLICT for somebody who owns 20. */
  create(principal: UserPrincipal, input: NewOrganization, once?: IdempotentCall): Promise<OrganizationView>;
  /**
   * Changes the name, the calendar, and whether members need a second factor. Throws TIER_LIMIT or CONFLICT where that
   * cannot be asked for, CONFLICT where the calendar is in use for long, and VALIDATION_ERROR for an empty name, an unknown
   * zone and other changes.
   */
  update(principal: UserPrincipal, change: OrganizationChange): Promise<OrganizationView>;
}

export interface OrganizationsOptions {
  scopes: Pick<Scopes, 'inInstance'>;
  now: () => Date;
  feed: Pick<Feed, 'publish'>;
  /** Has what is known of an organization's members looked up anew, in every process. */
  forgetOrganization: (organizationId: string) => Promise<void>;
  /** What follows a change of the calendar. */
  onCalendarChange: readonly OnCalendarChange[];
}

/**
 * Moves what a feature keeps by local days to the organization's new calendar, or sees to it that this is done, in the
 * transaction of the change: nobody holds the calendar meanwhile.
 */
export type OnCalendarChange = (tx: OrganizationTx, change: CalendarChange) => Promise<void>;

/** How an organization counted its days and weeks, and how it does from now on. */
export interface CalendarChange {
  readonly before: WeekCalendar;
  readonly after: WeekCalendar;
}

export function createOrganizationsService(options: OrganizationsOptions): OrganizationsService {
  const { scopes, now, forgetOrganization } = options;
  return {
    list: async ({ userId }) => {
      const rows = await scopes.inInstance((tx) => listMemberships(tx, { userId }));
      return rows.map(present);
    },
    create: (principal, input, once) => {
      const { organizationId, userId } = principal;
      const { first_day_of_week: firstDayOfWeek } = input;
      const name = checkName(input.name);
      return scopes.inInstance((tx) =>
        runOnceInInstance(tx, { organizationId, once }, async () => {
          if ((await countOwned(tx, userId)) >= mostOwned) throw tooManyOwned(mostOwned);
          const timezone = await checkZone(tx, input.timezone ?? 'UTC');
          const at = now();
          const slug = makeSlug(name);
          const id = await insertOrganization(tx, { name, slug, timezone, firstDayOfWeek, createdAt: at });
          await insertOwner(tx, { organizationId: id, userId, at });
          const done = { action: 'organizations.create', at, target: `organization:${id}`, organizationId: id };
          await recordChange(tx, principal, done);
          return getView(tx, { userId, organizationId: id });
        }),
      );
    },
    update: async (principal, change) => {
      const view = await scopes.inInstance((tx) => applyChange(tx, { principal, change, at: now() }, options));
      await forgetOrganization(principal.organizationId);
      return view;
    },
  };
}

interface AppliedChange {
  principal: UserPrincipal;
  change: OrganizationChange;
  at: Date;
}

async function applyChange(
  tx: InstanceTx,
  { principal, change, at }: AppliedChange,
  options: Pick<OrganizationsOptions, 'feed' | 'onCalendarChange'>,
): Promise<OrganizationView> {
  const { organizationId, userId } = principal;
  const { role, tier } = await lockForChange(tx, principal);
  if (!isPermitted(role, 'organizations:write')) throw forbidden(`This takes the role owner; yours is ${role} now.`);
  const current = await getView(tx, { userId, organizationId });
  const wanted = await readChange(tx, current, change);
  if (wanted.requires_mfa && !current.requires_mfa) {
    if (!entitlements[tier].required_mfa) throw tierWithoutRequiredMfa(tier);
    if (!(await hasSecondFactor(tx, userId))) throw ownSecondFactorNeeded();
  }
  const details = describeChange(current, wanted);
  if (Object.keys(details).length === 0) return current;
  const calendar = { before: calendarOf(current), after: calendarOf(wanted) };
  const isMoved = 'timezone' in details || 'first_day_of_week' in details;
  // Whoever writes by the old calendar has ended with this, and others wait for the new one.
  if (isMoved) await lockCalendar(tx, organizationId);
  const { name, requires_mfa: requiresMfa } = wanted;
  await storeOrganization(tx, { id: organizationId, name, requiresMfa, ...calendar.after });
  const target = `organization:${organizationId}`;
  await recordChange(tx, principal, { action: 'organizations.update', at, target, details });
  if (isMoved) await tx.inOrganization(organizationId, (inside) => moveCalendar(inside, calendar, options));
  return wanted;
}

async function moveCalendar(
  tx: OrganizationTx,
  change: CalendarChange,
  { feed, onCalendarChange }: Pick<OrganizationsOptions, 'feed' | 'onCalendarChange'>,
): Promise<void> {
  const { timezone, firstDayOfWeek: first_day_of_week } = change.after;
  // Before anything else that is told: who follows the feed reads the rest by the new calendar.
  feed.publish(tx, { type: 'organization.calendar', payload: { timezone, first_day_of_week } });
  for (const follow of onCalendarChange) await follow(tx, change);
}

/** The organization as it is to be. Throws VALIDATION_ERROR for what cannot be, or cannot be changed here. */
async function readChange(
  tx: InstanceTx,
  current: OrganizationView,
  { name, requires_mfa, timezone, first_day_of_week, ...others }: OrganizationChange,
): Promise<OrganizationView> {
  refuseOtherChanges(current, others);
  return {
    ...current,
    name: name === undefined ? current.name : checkName(name),
    requires_mfa: requires_mfa ?? current.requires_mfa,
    timezone:
      timezone === undefined || timezone === current.timezone ? current.timezone : await checkZone(tx, timezone),
    first_day_of_week: first_day_of_week ?? current.first_day_of_week,
  };
}

function describeChange(current: OrganizationView, wanted: OrganizationView): Readonly<Record<string, unknown>> {
  const fromTo = (field: 'timezone' | 'first_day_of_week') =>
    wanted[field] === current[field] ? {} : { [field]: { from: current[field], to: wanted[field] } };
  return {
    ...(wanted.name === current.name ? {} : { changed: 'name' }),
    ...(wanted.requires_mfa === current.requires_mfa ? {} : { requires_mfa: wanted.requires_mfa }),
    ...fromTo('timezone'),
    ...fromTo('first_day_of_week'),
  };
}

function calendarOf({ timezone, first_day_of_week: firstDayOfWeek }: OrganizationView): WeekCalendar {
  return { timezone, firstDayOfWeek };
}

function tierWithoutRequiredMfa(tier: MembershipRow['subscription_tier']): AppError {
  const fitting = tiers.filter((other) => entitlements[other].required_mfa).join(' or ');
  return new AppError({
    code: 'TIER_LIMIT',
    message: `The tier ${tier} does not include asking members for a second factor. Take ${fitting} at POST /users/upgrade.`,
  });
}

async function getView(
  tx: InstanceTx,
  membership: { userId: string; organizationId: string },
): Promise<OrganizationView> {
  const [row] = await listMemberships(tx, membership);
  if (!row) throw new Error('An organization that was just read or made has its member.');
  return present(row);
}

function present(row: MembershipRow): OrganizationView {
  return { ...row, created_at: row.created_at.toISOString() };
}

/** A zone that server and database both count days in, spelt as the IANA database spells it. */
async function checkZone(tx: InstanceTx, text: string): Promise<string> {
  const zone = readTimeZone(text);
  if (zone === undefined || !(await knowsTimeZone(tx, zone))) throw unknownTimeZone(text);
  return zone;
}

/** A name is one line of text: it stands in the subjects of mails. */
function checkName(text: string): string {
  const name = text.trim();
  if (name === '') throw emptyName();
  if (/\p{Cc}|[\u2028\u2029]/u.test(name)) throw nameOfSeveralLines();
  return name;
}
