import { expect, test } from 'vitest';
import { shapeConfig } from '#platform/config/config.ts';
import { readEnvironment } from '#platform/config/environment.ts';
import { listSettingWarnings } from './list-setting-warnings.ts';

const strong = 'Jv8wqkEwT0l1m7n2b4c6x8z0A1S3D5F7';
const good = {
  NODE_ENV: 'production',
  JWT_SECRET: strong,
  ENCRYPTION_KEY: strong,
  PUBLIC_URL: 'https://almanac.example',
  SMTP_URL: 'smtp://mail.example',
  TRUST_PROXY: '10.0.0.1',
};
const warn = (values: NodeJS.Dict<string>) =>
  listSettingWarnings(shapeConfig(readEnvironment('none.env', { ...good, ...values } as NodeJS.ProcessEnv)));

test('nothing is to be said of good settings, nor outside production', () => {
  expect(warn({})).toEqual([]);
  expect(warn({ NODE_ENV: 'development', PUBLIC_URL: 'http://almanac.example', SMTP_URL: '' })).toEqual([]);
});

test('a public address without TLS is named and quoted, except to a process that answers no requests', () => {
  const PUBLIC_URL = 'http://almanac.example:5000';
  expect(warn({ PUBLIC_URL })).toEqual([
    expect.stringMatching(/^PUBLIC_URL is 'http:\/\/almanac\.example:5000': .*https:/),
  ]);
  expect(warn({ PUBLIC_URL, ALMANAC_ROLE: 'worker' })).toEqual([]);
});

test('a missing mail server is named, and where the mails are', () => {
  expect(warn({ SMTP_URL: '' })).toEqual([
    expect.stringMatching(/^SMTP_URL is not set: .*not sent.*\/api\/system\/mails/),
  ]);
});

test('a proxy that is not named is asked about', () => {
  expect(warn({ TRUST_PROXY: 'off' })).toEqual([expect.stringMatching(/TRUST_PROXY is off: .*Set TRUST_PROXY/)]);
});
