import type { ItemRecord } from './activity.store.ts';

interface ActivityItemTable extends Omit<ItemRecord, 'occurred_at' | 'resolved_at'> {
  organization_id: string;
  id: string;
  source_id: string;
  occurred_at: Date;
  resolved_at: Date | null;
  read_number: number;
}

declare module '#platform/db/tables.ts' {
  interface Tables {
    activity_items: ActivityItemTable;
  }
}
