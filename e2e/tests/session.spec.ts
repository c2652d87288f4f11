import { advanceClock, eventually, hasTestClock, makeProduct, register, url } from '../support/api';
import { expect, open, signIn, test } from '../support/test';

test('two tabs whose token expired refresh one after the other, and both stay signed in', async ({ page, context, watch }) => {
  // The browser logs the two refusals that start the refreshing.
  watch.allow(/status of 401/);
  const movesClock = await hasTestClock();
  // Where the shop's clock cannot be moved, the browser's is: its tabs refresh before the token expires.
  if (!movesClock) await context.clock.install();
  const customer = await register();
  await signIn(page, customer.email);
  const other = await context.newPage();
  await open(other, '/account');
  await open(page, '/account');
  if (movesClock) await advanceClock(16 * 60);
  const refreshes: number[] = [];
  context.on('response', (response) => {
    if (response.url().endsWith('/api/auth/refresh')) refreshes.push(response.status());
  });
  if (!movesClock) await context.clock.fastForward('13:00');
  await Promise.all([page, other].map((tab) => tab.getByRole('main').getByRole('link', { name: /Your orders/ }).click()));
  for (const tab of [page, other]) await expect(tab.getByText('No orders yet')).toBeVisible();
  expect(refreshes.every((status) => status === 200)).toBe(true);
  if (!movesClock) await eventually(async () => expect(refreshes.length).toBeGreaterThan(0));
  expect(refreshes.length).toBeLessThanOrEqual(2);
  await page.reload();
  await expect(page.getByText('No orders yet')).toBeVisible();
});

test('no token is in storage', async ({ page }) => {
  const customer = await register();
  await signIn(page, customer.email);
  const stored = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie]));
  expect(stored).not.toMatch(/eyJ|token/i);
});

test('pages of customers ask others to sign in, and lead back', async ({ page }) => {
  const customer = await register();
  await open(page, '/orders?status=paid');
  await expect(page).toHaveURL(/\/sign-in\?returnUrl=%2Forders%3Fstatus%3Dpaid/);
  await page.getByLabel('E-mail address').fill(customer.email);
  await page.getByLabel('Password', { exact: true }).fill('correct horse battery');
  await page.getByRole('main').getByRole('button', { name: 'Sign in' }).click();
  await expect(page).toHaveURL(/\/orders\?status=paid/);
});

test('a guest keeps the cart when signing in', async ({ page }) => {
  const product = await makeProduct();
  const customer = await register();
  await open(page, `/products/${product.slug}`);
  await page.getByRole('button', { name: 'Add to cart' }).click();
  await expect(page.locator('.cart-drawer')).toContainText(product.name);
  await page.keyboard.press('Escape');
  await page.getByRole('link', { name: 'Sign in' }).click();
  await page.getByLabel('E-mail address').fill(customer.email);
  await page.getByLabel('Password', { exact: true }).fill('correct horse battery');
  await page.getByRole('main').getByRole('button', { name: 'Sign in' }).click();
  await expect(page.getByRole('button', { name: /^Cart, 1 item/ })).toBeVisible();
});

test('a guest keeps the cart over a reload', async ({ page }) => {
  const product = await makeProduct();
  await open(page, `/products/${product.slug}`);
  await page.getByRole('button', { name: 'One more' }).click();
  await page.getByRole('button', { name: 'Add to cart' }).click();
  await expect(page.locator('.cart-drawer')).toContainText(product.name);
  await page.reload();
  await expect(page.getByRole('button', { name: /^Cart, 2 items/ })).toBeVisible();
  await page.goto(url('/cart'));
  await expect(page.getByRole('main').getByRole('link', { name: product.name })).toBeVisible();
  expect(await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie]))).not.toMatch(/eyJ/);
});
