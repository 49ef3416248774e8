import type { ConfiguredSection, ReportTemplate } from '@almanac/contract/report-templates.ts';
import { type RawBuilder, sql } from 'kysely';
import { newId } from '#kernel/ids.ts';
import type { OrganizationTx } from '#platform/db/scopes.ts';

/** A template in one version; times as they come. */
export interface TemplateRow extends Omit<ReportTemplate, 'created_at' | 'updated_at' | 'sections_config'> {
  readonly sections_config: { readonly sections: readonly ConfiguredSection[] };
  readonly created_at: Date;
  readonly updated_at: Date;
}

/** A template as the interface shows it. */
export function toTemplate(row: TemplateRow): ReportTemplate {
  const { sections } = row.sections_config;
  return {
    ...row,
    sections_config: { sections: sections.map((section) => ({ ...section })) },
    created_at: row.created_at.toISOString(),
    updated_at: row.updated_at.toISOString(),
  };
}

const columns = sql`
  t.id, t.organization_id, v.name, t.version, t.is_default, v.sections_config, t.created_by, t.created_at, t.updated_at`;
const newestVersions = sql`
  report_templates t join report_template_versions v
    on v.organization_id = t.organization_id and v.template_id = t.id and v.version = t.version`;

interface TemplatePage {
  readonly after: readonly [position: string, id: string] | undefined;
  readonly limit: number;
}

/** Templates in their newest versions, the oldest first. */
export async function listTemplates(
  { db, organizationId }: OrganizationTx,
  { after, limit }: TemplatePage,
): Promise<(TemplateRow & { position: string })[]> {
  const isPast = after ? sql`(t.created_at, t.id) > (${after[0]}::timestamptz, ${after[1]}::uuid)` : sql`true`;
  const { rows } = await sql<TemplateRow & { position: string }>`
    select ${columns}, t.created_at::text as position from ${newestVersions}
    where t.organization_id = ${organizationId} and t.deleted_at is null and ${isPast}
    order by t.created_at, t.id limit ${limit}`.execute(db);
  return rows;
}

const findOne = async ({ db, organizationId }: OrganizationTx, which: RawBuilder<unknown>) => {
  const { rows } = await sql<TemplateRow>`
    select ${columns} from ${newestVersions}
    where t.organization_id = ${organizationId} and t.deleted_at is null and ${which}`.execute(db);
  return rows[0];
};

/** A template that is not deleted, in its newest version. */
export function findTemplate(tx: OrganizationTx, id: string): Promise<TemplateRow | undefined> {
  return findOne(tx, sql`t.id = ${id}`);
}

export function findDefaultTemplate(tx: OrganizationTx): Promise<TemplateRow | undefined> {
  return findOne(tx, sql`t.is_default`);
}

/** The sections that a version of a template asks for. */
export async function getSections(
  { db, organizationId }: OrganizationTx,
  { template_id, template_version }: { template_id: string; template_version: number },
): Promise<readonly ConfiguredSection[]> {
  const { rows } = await sql<Pick<TemplateRow, 'sections_config'>>`
    select sections_config from report_template_versions
    where organization_id = ${organizationId} and template_id = ${template_id} and version = ${template_version}`.execute(
    db,
  );
  const [row] = rows;
  if (!row) throw new Error(`The template ${template_id} has no version ${template_version}.`);
  return row.sections_config.sections;
}

/** What a template is made of. */
export interface NewTemplate {
  readonly name: string;
  readonly sections: readonly ConfiguredSection[];
  readonly isDefault: boolean;
  readonly createdBy: string | null;
  readonly now: Date;
}

/** Makes a template with its first version; undefined where there is a default one already and this would be another. */
export async function insertTemplate(tx: OrganizationTx, template: NewTemplate): Promise<string | undefined> {
  const { name, sections, isDefault, createdBy, now } = template;
  const { rows } = await sql<{ id: string }>`
    insert into report_templates (organization_id, id, version, is_default, created_by, created_at, updated_at)
    values (${tx.organizationId}, ${newId()}, 1, ${isDefault}, ${createdBy}, ${now}, ${now})
    on conflict (organization_id) where is_default and deleted_at is null do nothing returning id`.execute(tx.db);
  const [row] = rows;
  if (row) await insertVersion(tx, { id: row.id, version: 1, name, sections, now });
  return row?.id;
}

interface NewVersion extends Pick<NewTemplate, 'name' | 'sections' | 'now'> {
  readonly id: string;
  readonly version: number;
}

async function insertVersion({ db, organizationId }: OrganizationTx, added: NewVersion): Promise<void> {
  const { id, version, name, sections, now } = added;
  await sql`
    insert into report_template_versions (organization_id, template_id, version, name, sections_config, created_at)
    values (${organizationId}, ${id}, ${version}, ${name}, ${JSON.stringify({ sections })}, ${now})`.execute(db);
}

/** Adds a version to a template that is locked, and makes it the newest. */
export async function addVersion(tx: OrganizationTx, added: NewVersion): Promise<void> {
  await insertVersion(tx, added);
  await sql`
    update report_templates set version = ${added.version}, updated_at = ${added.now}
    where organization_id = ${tx.organizationId} and id = ${added.id}`.execute(tx.db);
}

/** Holds off others who would change templates of the organization, until the transaction ends. */
export async function lockTemplates({ db, organizationId }: OrganizationTx): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtextextended('report templates/' || ${organizationId}::text, 0))`.execute(
    db,
  );
}

/** Makes a template the default one, or with undefined none; to be called with the templates locked. */
export async function setDefault({ db, organizationId }: OrganizationTx, id: string | undefined): Promise<void> {
  await sql`
    update report_templates set is_default = false
    where organization_id = ${organizationId} and is_default and id is distinct from ${id ?? null}::uuid`.execute(db);
  if (id === undefined) return;
  await sql`
    update report_templates set is_default = true
    where organization_id = ${organizationId} and id = ${id} and deleted_at is null`.execute(db);
}

/** Takes a template out of all lists; its versions stay for the reports made with them. False where there is none. */
export async function removeTemplate(
  { db, organizationId }: OrganizationTx,
  { id, now }: { id: string; now: Date },
): Promise<boolean> {
  const { rows } = await sql`
    update report_templates set deleted_at = ${now}, is_default = false
    where organization_id = ${organizationId} and id = ${id} and deleted_at is null returning 1`.execute(db);
  return rows.length > 0;
}
