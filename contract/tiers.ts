/** The subscription tiers of an organization, the smallest first. */
export const tiers = ['free', 'pro', 'enterprise'] as const;

/** A subscription tier. */
export type Tier = (typeof tiers)[number];

/** What a tier includes; null for no limit. */
export interface Entitlements {
  /** Held against a smaller tier alone: no endpoint adds sources yet. */
  readonly sources: number | null;
  readonly members: number | null;
  /** How far forecasts reach, in days. */
  readonly forecast_days: number | null;
  /** Requests a minute of each member and each API key. */
  readonly requests_per_minute: number;
  /** How long single points are kept, in days; their rollups stay. */
  readonly raw_retention_days: number | null;
  /** Whether the organization can ask its members for a second factor. */
  readonly required_mfa: boolean;
}

/** The one table of entitlements. */
export const entitlements: Readonly<Record<Tier, Entitlements>> = {
  free: {
    sources: 3,
    members: 3,
    forecast_days: 30,
    requests_per_minute: 120,
    raw_retention_days: 90,
    required_mfa: false,
  },
  pro: {
    sources: 25,
    members: 25,
    forecast_days: 90,
    requests_per_minute: 600,
    raw_retention_days: 730,
    required_mfa: false,
  },
  enterprise: {
    sources: null,
    members: null,
    forecast_days: null,
    requests_per_minute: 3_000,
    raw_retention_days: null,
    required_mfa: true,
  },
};
