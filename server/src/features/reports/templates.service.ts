import type { EndpointInput } from '@almanac/contract/endpoint.ts';
import type {
  addReportTemplate,
  ConfiguredSection,
  listReportTemplates,
  ReportTemplate,
  updateReportTemplate,
} from '@almanac/contract/report-templates.ts';
import { recordAudit } from '#features/audit/index.ts';
import type { UserPrincipal } from '#platform/access/principal.ts';
import type { IdempotentCall } from '#platform/db/idempotency.ts';
import type { OrganizationTx, Scopes } from '#platform/db/scopes.ts';
import { notFound } from '#platform/errors/app-error.ts';
import { type Cursors, type Page, toPage } from '#platform/http/cursor.ts';
import type { SectionRegistry } from './section-registry.ts';
import * as store from './templates.store.ts';

export interface TemplatesOptions {
  scopes: Pick<Scopes, 'inOrganization'>;
  cursors: Cursors;
  registry: SectionRegistry;
  now: () => Date;
}

type NewTemplate = EndpointInput<typeof addReportTemplate>['body'];
type TemplateChange = EndpointInput<typeof updateReportTemplate>['body'];
type Query = EndpointInput<typeof listReportTemplates>['query'];

/** The use cases of report templates. */
export interface TemplatesService {
  list(principal: UserPrincipal, query: Query): Promise<Page<ReportTemplate>>;
  /** Throws VALIDATION_ERROR naming each section that cannot be. */
  add(principal: UserPrincipal, sent: NewTemplate, once?: IdempotentCall): Promise<ReportTemplate>;
  /** Throws NOT_FOUND. */
  get(principal: UserPrincipal, id: string): Promise<ReportTemplate>;
  /** Makes a new version. Throws NOT_FOUND, VALIDATION_ERROR. */
  update(principal: UserPrincipal, change: { id: string; body: TemplateChange }): Promise<ReportTemplate>;
  /** Throws NOT_FOUND. */
  remove(principal: UserPrincipal, id: string): Promise<void>;
}

export function createTemplatesService({ scopes, cursors, registry, now }: TemplatesOptions): TemplatesService {
  const enter = (tx: OrganizationTx, action: string, id: string) =>
    recordAudit(tx, { action: `reportTemplates.${action}`, at: now(), target: `report_template:${id}` });
  return {
    list: async (principal, { limit = 100, cursor }) => {
      const list = JSON.stringify(['reportTemplates.list', principal.organizationId]);
      const after = cursor === undefined ? undefined : cursors.open<[string, string]>(list, cursor);
      const rows = await scopes.inOrganization(principal, (tx) => store.listTemplates(tx, { after, limit: limit + 1 }));
      const page = toPage(rows, limit, ({ position, id }) => cursors.seal(list, [position, id]));
      return { ...page, items: page.items.map(({ position: _, ...row }) => store.toTemplate(row)) };
    },

    add: async (principal, { name, sections_config, is_default: isDefault = false }, once) => {
      const sections = sections_config.sections as ConfiguredSection[];
      registry.check(sections);
      const work = async (tx: OrganizationTx): Promise<ReportTemplate> => {
        if (isDefault) {
          await store.lockTemplates(tx);
          await store.setDefault(tx, undefined);
        }
        const made = { name, sections, isDefault, createdBy: principal.userId, now: now() };
        const id = await store.insertTemplate(tx, made);
        if (id === undefined) throw new Error('Two templates were made the default one at once.');
        await enter(tx, 'create', id);
        return store.toTemplate(await getTemplate(tx, id));
      };
      return scopes.inOrganization(principal, work, { once });
    },

    get: (principal, id) => scopes.inOrganization(principal, async (tx) => store.toTemplate(await getTemplate(tx, id))),

    update: async (principal, { id, body }) => {
      const sections = body.sections_config?.sections as ConfiguredSection[] | undefined;
      if (sections) registry.check(sections);
      return scopes.inOrganization(principal, async (tx) => {
        await store.lockTemplates(tx);
        const current = await getTemplate(tx, id);
        if (body.name !== undefined || sections) {
          await store.addVersion(tx, {
            id,
            version: current.version + 1,
            name: body.name ?? current.name,
            sections: sections ?? current.sections_config.sections,
            now: now(),
          });
        }
        if (body.is_default !== undefined && body.is_default !== current.is_default) {
          await store.setDefault(tx, body.is_default ? id : undefined);
        }
        await enter(tx, 'update', id);
        return store.toTemplate(await getTemplate(tx, id));
      });
    },

    remove: (principal, id) =>
      scopes.inOrganization(principal, async (tx) => {
        await store.lockTemplates(tx);
        if (!(await store.removeTemplate(tx, { id, now: now() }))) throw notFound('report template', id);
        await enter(tx, 'delete', id);
      }),
  };
}

async function getTemplate(tx: OrganizationTx, id: string): Promise<store.TemplateRow> {
  const found = await store.findTemplate(tx, id);
  if (!found) throw notFound('report template', id);
  return found;
}

/** The sections of the template that an organization has before it makes one of its own. */
export interface DefaultTemplate {
  readonly name: string;
  readonly sections: readonly ConfiguredSection[];
}

/** The organization's default template, made where there is none. */
export async function takeDefaultTemplate(
  tx: OrganizationTx,
  { name, sections }: DefaultTemplate,
  now: Date,
): Promise<store.TemplateRow> {
  const known = await store.findDefaultTemplate(tx);
  if (known) return known;
  await store.lockTemplates(tx);
  const others = await store.findDefaultTemplate(tx);
  if (others) return others;
  await store.insertTemplate(tx, { name, sections, isDefault: true, createdBy: null, now });
  const made = await store.findDefaultTemplate(tx);
  if (!made) throw new Error('The default template could not be made.');
  return made;
}
