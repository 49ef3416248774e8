import { expect, test } from 'vitest';
import { tellProgram } from './public/assets/account/tell.js';

test.each([
  ['Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0', 'Firefox on Linux'],
  [
    'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36 Edg/131.0.0.0',
    'Edge on Windows',
  ],
  [
    'Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Mobile Safari/537.36',
    'Chrome on Android',
  ],
  [
    'Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1',
    'Safari on iPhone',
  ],
])('tells %s as a person would', (userAgent, told) => {
  expect(tellProgram(userAgent)).toBe(told);
});

test('tells a program that is no browser by the beginning of its own name', () => {
  expect(tellProgram('curl/8.11.0')).toBe('curl/8.11.0');
  expect(tellProgram('x'.repeat(500))).toHaveLength(60);
  expect(tellProgram(null)).toBe('An unnamed program');
});
