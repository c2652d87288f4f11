import { AxeBuilder } from '@axe-core/playwright';
import type { Page } from '@playwright/test';
import { adminToken, call, makeProduct, placeOrder, register, url } from '../support/api';
import type { Customer, Product } from '../support/api';
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

async function check(page: Page, where: string): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']).analyze();
  const found = violations.map(({ id, nodes }) => `${where}: ${id}: ${nodes.map((node) => node.target.join(' ')).join(' | ')}`);
  expect.soft(found).toEqual([]);
  const width = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  expect.soft(width, `${where} scrolls sideways`).toBeLessThanOrEqual(0);
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
  });
}

test.describe('German, 360 px', () => {
  test.use({ locale: 'de-DE', viewport: { width: 360, height: 740 } });

  test('nothing scrolls sideways, and no text is English', async ({ page, watch }) => {
    test.setTimeout(120_000);
    watch.allow(/status of 404/);
    for (const path of PUBLIC) {
      await show(page, path);
      const { width, lang } = await page.evaluate(() => ({ width: document.documentElement.scrollWidth - innerWidth, lang: document.documentElement.lang }));
      expect(lang).toBe('de');
      expect(width, path).toBeLessThanOrEqual(0);
    }
    await expect(page.getByRole('main')).toContainText('Seite nicht gefunden');
  });
});
