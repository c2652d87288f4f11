import type { Page } from '@playwright/test';
import { PASSWORD, adminToken, call, makeProduct, placeOrder, register, url } from '../support/api';
import type { Customer, Product } from '../support/api';
import { check } from '../support/axe';
import { expect, open, signIn, signInAsAdmin, test } from '../support/test';
import { ADMIN, CUSTOMER, PUBLIC } from './pages';

let product: Product;
let customer: Customer;
let paths: Record<string, string>;

test.beforeAll(async () => {
  product = await makeProduct({ name: 'Enamel Kettle for Tests' });
  const pictures = ['cookware', 'coffee-tea'].map((name) => ({ url: `/pictures/${name}.svg`, alt: name }));
  await call('PATCH', `/products/${product.productId}`, { token: await adminToken(), body: { pictures, tags: ['test'] }, headers: { 'if-match': '"v1.20"' } });
  customer = await register();
  const order = await placeOrder(customer, product.productId);
  const unpaid = await placeOrder(customer, product.productId, null);
  await call('POST', '/wishlist', { token: customer.token, body: { productId: product.productId } });
  await call('POST', '/cart', { token: customer.token, body: { productId: product.productId, quantity: 2 } });
  const { items } = await call<{ items: Product[] }>('GET', '/products?q=skillet&size=1');
  paths = { ':variant': items[0]!.slug, ':productId': String(product.productId), ':product': product.slug, ':order': String(order), ':unpaid': String(unpaid) };
});

const real = (path: string) => path.replace(/:\w+/g, (name) => paths[name] ?? name);

/** Opens a page and waits until its data is there. */
async function show(page: Page, path: string): Promise<void> {
  await page.goto(url(real(path)));
  await expect(page.locator('main h1').first()).toBeVisible();
  await expect(page.locator('main .skeleton')).toHaveCount(0);
}

// Half faded in, a text has a contrast that no person is left with: axe looks at pages without motion.
test.use({ contextOptions: { reducedMotion: 'reduce' } });

// Contrast depends on the scheme, layout on the width: two of the four pairs show every page in each.
for (const [scheme, width] of [['light', 1280], ['dark', 360]] as const) {
  test.describe(`${scheme}, ${width} px`, () => {
      test.use({ colorScheme: scheme, viewport: { width, height: 800 } });
      test.setTimeout(120_000);

      test('visitors: axe finds nothing', async ({ page, watch }) => {
        watch.allow(/status of 404/);
        for (const path of PUBLIC) {
          await show(page, path);
          await check(page, path);
        }
      });

      test('customers: axe finds nothing', async ({ page }) => {
        await signIn(page, customer.email);
        for (const path of CUSTOMER) {
          await show(page, path);
          await check(page, path);
        }
      });

      test('admins: axe finds nothing', async ({ page }) => {
        await signInAsAdmin(page);
        for (const path of ADMIN) {
          await show(page, path);
          await check(page, path);
        }
      });
  });

  test.describe(`overlays, ${scheme}`, () => {
      test.use({ colorScheme: scheme, viewport: { width: 1280, height: 900 } });
      test.setTimeout(120_000);

      test('axe finds nothing', async ({ page }) => {
        await signIn(page, customer.email);
        await open(page, `/products/${product.slug}`);
        await page.getByRole('button', { name: 'Add to cart' }).click();
        await expect(page.locator('.cart-drawer .line').first()).toBeVisible();
        await check(page, 'cart drawer');
        await page.keyboard.press('Escape');
        await expect(page.locator('.cart-drawer')).toBeHidden();
        await page.locator('.buy .wish').click();
        // Under the pointer a message stays, however long axe takes.
        await page.locator('.p-toast-message').first().hover();
        await check(page, 'toast');
        await expect(page.locator('.p-toast-message').first()).toBeVisible();
        await page.getByRole('combobox', { name: 'Search' }).fill('kettle');
        await expect(page.getByRole('option').first()).toBeVisible();
        await check(page, 'suggestions');
        await page.goto(url(real('/orders/:unpaid')));
        await page.getByRole('button', { name: 'Cancel order' }).click();
        await expect(page.getByRole('dialog')).toBeVisible();
        await check(page, 'dialog');
        await page.setViewportSize({ width: 360, height: 740 });
        await open(page, '/c/kitchen');
        await page.getByRole('button', { name: /^Filters/ }).click();
        await expect(page.locator('.filter-drawer')).toBeVisible();
        await check(page, 'filters');
      });

      test('of the back office: axe finds nothing', async ({ page, watch }) => {
        watch.allow(/status of 412/);
        // The frame of a mail says that nothing may run in it.
        watch.allow(/Blocked script execution in 'about:blank'/);
        // A drawer is no dialog to PrimeNG.
        const overlay = page.locator('[role=dialog], .p-drawer');
        /** Looks at the open overlay, and closes it. */
        const look = async (where: string) => {
          await expect(overlay).toBeVisible();
          await check(page, where);
          await page.keyboard.press('Escape');
          await expect(overlay).toHaveCount(0);
        };
        await signInAsAdmin(page);
        await show(page, '/admin/orders/:order');
        for (const button of ['Ship', 'Cancel order', 'Refund']) {
          await page.getByRole('button', { name: button, exact: true }).click();
          await look(`${button} of an order`);
        }
        await show(page, '/admin/categories');
        await page.getByRole('button', { name: 'New category', exact: true }).click();
        await look('new category');
        await page.getByRole('button', { name: /^Edit/ }).first().click();
        await look('category');
        await page.getByRole('button', { name: /^Delete/ }).first().click();
        await look('deletion of a category');
        await show(page, '/admin/products/:productId');
        await page.getByRole('button', { name: 'Adjust stock' }).click();
        await look('stock');
        await page.getByRole('button', { name: 'Hide product' }).click();
        await look('hiding a product');
        const seen = (await fetch(url(`/api/products/${product.productId}`))).headers.get('etag') ?? '';
        await call('PATCH', `/products/${product.productId}`, { token: await adminToken(), body: { tags: [`by ${scheme}`] }, headers: { 'if-match': seen } });
        await page.getByLabel('Name', { exact: true }).first().fill('Mine');
        await page.getByRole('button', { name: 'Save changes' }).click();
        await look('two versions of a product');
        await show(page, '/admin/notices');
        await page.getByRole('button', { name: /^Preview/ }).first().click();
        // Nothing may run in the frame of a mail, axe neither, which would wait for it.
        await page.locator('iframe').evaluate((frame) => frame.remove());
        await look('preview of a mail');
        await page.setViewportSize({ width: 360, height: 740 });
        await show(page, '/admin');
        await page.getByRole('button', { name: 'Menu' }).click();
        await look('menu');
      });
  });
}

test.describe('German, 360 px', () => {
  test.use({ locale: 'de-DE', viewport: { width: 360, height: 740 } });
  test.setTimeout(120_000);

  /** Shows each page in German, and finds nothing wider than the screen. */
  async function walk(page: Page, paths: readonly string[]): Promise<void> {
    for (const path of paths) {
      await show(page, path);
      const { width, lang } = await page.evaluate(() => ({ width: document.documentElement.scrollWidth - innerWidth, lang: document.documentElement.lang }));
      expect.soft(lang, path).toBe('de');
      expect.soft(width, `${path} scrolls sideways`).toBeLessThanOrEqual(0);
    }
  }
  async function signInInGerman(page: Page, email: string, password: string): Promise<void> {
    await open(page, '/sign-in');
    await page.locator('input[autocomplete="username"]').fill(email);
    await page.locator('input[autocomplete="current-password"]').fill(password);
    await page.getByRole('main').getByRole('button', { name: 'Anmelden' }).click();
    await expect(page).not.toHaveURL(/sign-in/);
  }

  test('nothing scrolls sideways, and no text is English', async ({ page, watch }) => {
    watch.allow(/status of 404/);
    await walk(page, PUBLIC);
    await expect(page.getByRole('main')).toContainText('Seite nicht gefunden');
  });

  test('nothing scrolls sideways for customers', async ({ page }) => {
    await signInInGerman(page, customer.email, PASSWORD);
    await walk(page, CUSTOMER);
  });

  test('nothing scrolls sideways in the back office', async ({ page }) => {
    await signInInGerman(page, process.env['SOUK_E2E_ADMIN_EMAIL']!, process.env['SOUK_E2E_ADMIN_PASSWORD']!);
    await walk(page, ADMIN);
  });
});
