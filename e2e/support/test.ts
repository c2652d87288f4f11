import { test as base, expect } from '@playwright/test';
import type { Page } from '@playwright/test';
import { PASSWORD, url } from './api';

interface Watch {
  /** Lets the browser log failures that this test causes on purpose. */
  allow: (pattern: RegExp) => void;
}

/** Every test fails on an error in the console, an exception, or a violation of the Content-Security-Policy. */
export const test = base.extend<{ watch: Watch }>({
  watch: [
    async ({ context }, use) => {
      const faults: string[] = [];
      const allowed: RegExp[] = [];
      await context.addInitScript(() => {
        addEventListener('securitypolicyviolation', (event) => console.error(`securitypolicyviolation ${event.violatedDirective} ${event.blockedURI} ${event.sample}`));
      });
      context.on('console', (message) => {
        if (message.type() === 'error') faults.push(`${message.text()} (${message.location().url})`);
      });
      context.on('weberror', (error) => faults.push(String(error.error())));
      await use({ allow: (pattern) => allowed.push(pattern) });
      expect(faults.filter((fault) => !allowed.some((pattern) => pattern.test(fault)))).toEqual([]);
    },
    { auto: true },
  ],
});

export { expect };

export async function open(page: Page, path: string): Promise<void> {
  await page.goto(url(path));
  await expect(page.locator('main h1').first()).toBeVisible();
}

export async function signIn(page: Page, email: string, password = PASSWORD): Promise<void> {
  await open(page, '/sign-in');
  await page.getByLabel('E-mail address').fill(email);
  await page.getByLabel('Password', { exact: true }).fill(password);
  await page.getByRole('main').getByRole('button', { name: 'Sign in' }).click();
  await expect(page).not.toHaveURL(/sign-in/);
}

export async function signInAsAdmin(page: Page): Promise<void> {
  await signIn(page, process.env['SOUK_E2E_ADMIN_EMAIL']!, process.env['SOUK_E2E_ADMIN_PASSWORD']!);
}

/** Puts the product of the open page into the cart and goes to the checkout. */
export async function addAndCheckOut(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Add to cart' }).click();
  await page.locator('.cart-drawer').getByRole('button', { name: 'Check out' }).click();
  await expect(page.getByRole('heading', { name: 'Checkout', level: 1 })).toBeVisible();
}

export async function fillAddress(page: Page): Promise<void> {
  await page.getByLabel('Full name').fill('Ada Byron');
  await page.getByLabel('Street and number').fill('12 Analytical Row');
  await page.getByLabel('Postal code').fill('69001');
  await page.getByLabel('Town or city').fill('Lyon');
  await page.getByLabel('Country').selectOption('FR');
  await page.getByRole('button', { name: 'Continue to review' }).click();
}

export async function registerAtCheckout(page: Page, email: string): Promise<void> {
  await page.getByLabel('E-mail address').fill(email);
  await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
  await page.getByRole('button', { name: 'Create account' }).click();
}

export const placeOrderButton = (page: Page) => page.getByRole('button', { name: /^Place order for/ });
export const payButton = (page: Page) => page.getByRole('button', { name: /^Pay €/ });
