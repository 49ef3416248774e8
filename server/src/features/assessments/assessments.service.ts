import {
  type AggregationType,
  type Assessment,
  type addAssessment,
  type getAggregations,
  leastPeople,
  type listAssessments,
  type updateAssessment,
} from '@almanac/contract/assessments.ts';
import type { EndpointAnswer, EndpointInput } from '@almanac/contract/endpoint.ts';
import { recordAudit } from '#features/audit/index.ts';
import { getOrganizationSettings } from '#features/organizations/index.ts';
import { dayAt } from '#kernel/days.ts';
import { newId } from '#kernel/ids.ts';
import type { UserPrincipal } from '#platform/access/principal.ts';
import type { IdempotentCall } from '#platform/db/idempotency.ts';
import type { OrganizationTx, Scopes } from '#platform/db/scopes.ts';
import { conflict, notFound, validationFailed } from '#platform/errors/app-error.ts';
import { type Cursors, type Page, toPage } from '#platform/http/cursor.ts';
import { findAggregations, putAggregations } from './aggregations.store.ts';
import { notYours } from './assessments.errors.ts';
import * as store from './assessments.store.ts';
import { findObstacle, listMissing } from './change-status.ts';
import { shapeGroups } from './shape-groups.ts';

export interface AssessmentsOptions {
  scopes: Pick<Scopes, 'inOrganization'>;
  cursors: Cursors;
  /** Has the organization's dashboards computed anew after the commit. */
  forgetDashboards: (tx: OrganizationTx) => void;
  now: () => Date;
}

type NewAssessment = EndpointInput<typeof addAssessment>['body'];
type AssessmentChange = EndpointInput<typeof updateAssessment>['body'];
type Query = EndpointInput<typeof listAssessments>['query'];
type Aggregations = EndpointAnswer<typeof getAggregations>;

/** The use cases of assessments. */
export interface AssessmentsService {
  list(principal: UserPrincipal, query: Query): Promise<Page<Assessment>>;
  /** Throws FORBIDDEN for that of another member, VALIDATION_ERROR where a completed one lacks scores. */
  add(principal: UserPrincipal, sent: NewAssessment, once?: IdempotentCall): Promise<Assessment>;
  /** Throws NOT_FOUND, FORBIDDEN for that of another member, CONFLICT where its status does not allow the change. */
  update(principal: UserPrincipal, change: { id: string; body: AssessmentChange }): Promise<Assessment>;
  /** The groups of the day, computed where they are not yet. */
  aggregate(principal: UserPrincipal, type: AggregationType): Promise<Aggregations>;
}

export function createAssessmentsService(options: AssessmentsOptions): AssessmentsService {
  const { scopes, cursors, forgetDashboards, now } = options;
  return {
    list: async (principal, { limit = 100, cursor, user_id, status, department, role }) => {
      const filter = { user_id, status, department, role };
      const list = JSON.stringify(['assessments.list', principal.organizationId, filter]);
      const after = cursor === undefined ? undefined : cursors.open<[string, string]>(list, cursor);
      const rows = await scopes.inOrganization(principal, (tx) =>
        store.listAssessments(tx, { ...filter, after, limit: limit + 1 }),
      );
      const page = toPage(rows, limit, ({ position, id }) => cursors.seal(list, [position, id]));
      return { ...page, items: page.items.map(store.toAssessment) };
    },

    add: (principal, sent, once) => {
      const row = makeRow(principal, sent, now());
      if (row.user_id !== principal.userId && !mayWriteForOthers(principal)) throw notYours();
      const work = async (tx: OrganizationTx): Promise<Assessment> => {
        if (!(await store.isMember(tx, row.user_id))) throw notAMember(row.user_id);
        await store.insertAssessment(tx, row);
        await recordAudit(tx, { action: 'assessments.create', at: now(), target: `assessment:${row.id}` });
        forgetDashboards(tx);
        return store.toAssessment(row);
      };
      return scopes.inOrganization(principal, work, { once });
    },

    update: (principal, { id, body }) =>
      scopes.inOrganization(principal, async (tx) => {
        const current = await store.lockAssessment(tx, id);
        if (!current) throw notFound('assessment', id);
        if (current.user_id !== principal.userId && !mayWriteForOthers(principal)) throw notYours();
        const { department, role, status, ocean_scores, facet_scores } = body;
        const given = Object.entries({ department, role, status, ocean_scores, facet_scores });
        const wanted = { ...current, ...Object.fromEntries(given.filter(([, value]) => value !== undefined)) };
        const obstacle = findObstacle(current, wanted);
        if (obstacle !== undefined) throw conflict(`The assessment '${id}' cannot be changed so. ${obstacle}`);
        const at = now();
        const isCompleted = wanted.status === 'completed';
        const row = { ...wanted, updated_at: at, completed_at: current.completed_at ?? (isCompleted ? at : null) };
        await store.updateAssessment(tx, row);
        const details = { from: current.status, to: row.status };
        await recordAudit(tx, { action: 'assessments.update', at, target: `assessment:${id}`, details });
        forgetDashboards(tx);
        return store.toAssessment(row);
      }),

    aggregate: (principal, type) =>
      scopes.inOrganization(principal, async (tx) => {
        const { timezone } = await getOrganizationSettings(tx);
        const at = now();
        const today = { type, day: dayAt(at.getTime(), timezone).toString() };
        let found = await findAggregations(tx, today);
        if (!found) {
          await putAggregations(tx, { now: at, timezone });
          found = await findAggregations(tx, today);
        }
        const groups = shapeGroups(found?.groups ?? []);
        return {
          aggregation_type: type,
          least_people: leastPeople,
          groups,
          as_of: found && groups.length > 0 ? found.computedAt.toISOString() : null,
          complete: found !== undefined,
        };
      }),
  };
}

/** Admins and owners; an API key as far as its owner's role goes. */
const mayWriteForOthers = ({ role }: UserPrincipal) => role === 'admin' || role === 'owner';

function makeRow(principal: UserPrincipal, sent: NewAssessment, now: Date): store.AssessmentRow {
  const { status = 'draft', ocean_scores = {}, facet_scores = {} } = sent;
  const missing = status === 'completed' ? listMissing(ocean_scores) : [];
  const [first, ...rest] = missing.map((trait) => ({
    field: `ocean_scores.${trait}`,
    issue: 'is missing, and a completed assessment has all five scores',
  }));
  if (first) throw validationFailed([first, ...rest]);
  return {
    organization_id: principal.organizationId,
    id: newId(),
    user_id: (sent.user_id ?? principal.userId).toLowerCase(),
    department: sent.department ?? null,
    role: sent.role ?? null,
    status,
    ocean_scores,
    facet_scores,
    created_at: now,
    updated_at: now,
    completed_at: status === 'completed' ? now : null,
  };
}

function notAMember(userId: string) {
  return validationFailed([{ field: 'user_id', issue: `'${userId}' is not a member of the organization` }]);
}
