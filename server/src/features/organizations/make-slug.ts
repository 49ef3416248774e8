import { randomBytes } from 'node:crypto';

/** A readable slug that nobody else has: the name in plain letters and 40 random bits. */
export function makeSlug(name: string): string {
  const plain = name
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '')
    .slice(0, 40);
  return `${plain || 'organization'}-${randomBytes(5).toString('hex')}`;
}
