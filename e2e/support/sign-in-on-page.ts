import type { Page } from 'playwright-core';
import type { Person } from './sign-up.ts';

/** Gives address and password at the top of the page that is open. */
export async function enterPassword(
  page: Page,
  { email, password }: Pick<Person, 'email' | 'password'>,
): Promise<void> {
  const top = page.getByRole('banner');
  await top.getByText('Sign in', { exact: true }).first().click();
  await top.getByLabel('E-mail').fill(email);
  await top.getByLabel('Password').fill(password);
  await top.getByRole('button', { name: 'Sign in' }).click();
}

/** Signs in on the page that is open, where that takes the password alone. */
export async function signInOnPage(page: Page, person: Pick<Person, 'email' | 'password'>): Promise<void> {
  await enterPassword(page, person);
  await page.getByRole('banner').getByRole('button', { name: 'Sign out' }).waitFor();
}
