import type { Business, BusinessStatus } from '@almanac/contract/businesses.ts';
import type { FieldFault } from '@almanac/contract/errors.ts';
import { readTimeZone } from '#features/organizations/index.ts';
import { quote } from '#platform/http/quote.ts';
import { isCountryCode } from './country-codes.ts';

/** What a caller says of a business, all of it. */
export type BusinessFields = Pick<
  Business,
  'name' | 'industry' | 'location' | 'latitude' | 'longitude' | 'country_code' | 'timezone' | 'status'
>;

/** Fields as they are sent; what is left out stands. */
export type SentFields = { readonly [Name in keyof BusinessFields]?: BusinessFields[Name] | undefined };

const none = { industry: null, location: null, latitude: null, longitude: null, country_code: null } as const;

/** What a new business is where nothing else is said. */
export function blankBusiness(name: string, timezone: string): BusinessFields {
  const status: BusinessStatus = 'active';
  return { ...none, name, timezone, status };
}

/** Puts what is sent over what is there; answers what is wrong with it instead where a schema could not tell. */
export function readBusiness(
  base: BusinessFields,
  sent: SentFields,
): BusinessFields | readonly [FieldFault, ...FieldFault[]] {
  const wanted = {
    name: sent.name ?? base.name,
    industry: orStands(sent.industry, base.industry),
    location: orStands(sent.location, base.location),
    latitude: orStands(sent.latitude, base.latitude),
    longitude: orStands(sent.longitude, base.longitude),
    country_code: orStands(sent.country_code, base.country_code)?.toUpperCase() ?? null,
    timezone: sent.timezone ?? base.timezone,
    status: sent.status ?? base.status,
  };
  const timezone = readTimeZone(wanted.timezone);
  const [first, ...rest] = [...findPlaceFaults(wanted), ...(timezone === undefined ? [noZone(wanted.timezone)] : [])];
  return first ? [first, ...rest] : { ...wanted, timezone: timezone ?? wanted.timezone };
}

const orStands = <T>(sent: T | undefined, there: T): T => (sent === undefined ? there : sent);

function findPlaceFaults({ latitude, longitude, country_code }: BusinessFields): FieldFault[] {
  const faults: FieldFault[] = [];
  if (latitude !== null && longitude === null)
    faults.push({ field: 'longitude', issue: 'is missing; latitude needs it' });
  if (longitude !== null && latitude === null)
    faults.push({ field: 'latitude', issue: 'is missing; longitude needs it' });
  if (country_code !== null && !isCountryCode(country_code)) {
    faults.push({ field: 'country_code', issue: `${quote(country_code)} is not a country of ISO 3166-1, such as DE` });
  }
  return faults;
}

function noZone(text: string): FieldFault {
  return { field: 'timezone', issue: `${quote(text)} is not a zone of the IANA database, such as Europe/Berlin` };
}
