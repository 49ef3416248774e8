import type { Tier } from '@almanac/contract/tiers.ts';
import type { ColumnType, Generated } from 'kysely';

interface OrganizationTable {
  id: string;
  slug: string;
  name: string;
  timezone: Generated<string>;
  first_day_of_week: Generated<number>;
  weeks_kept: Generated<number>;
  is_demo: Generated<boolean>;
  subscription_tier: Generated<Tier>;
  requires_mfa: Generated<boolean>;
  named_after: string | null;
  is_name_derived: Generated<boolean>;
  created_at: ColumnType<Date, Date | undefined, never>;
}

declare module '#platform/db/tables.ts' {
  interface Tables {
    organizations: OrganizationTable;
  }
}
