/** A row of `api_keys`. */
export interface ApiKeyTable {
  organization_id: string;
  id: string;
  user_id: string;
  name: string;
  prefix: string;
  key_hash: Buffer;
  scopes: string[];
  created_at: Date;
  expires_at: Date | null;
  last_used_at: Date | null;
}

declare module '#platform/db/tables.ts' {
  interface Tables {
    api_keys: ApiKeyTable;
  }
}
