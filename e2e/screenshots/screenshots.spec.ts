import { join, resolve } from 'node:path';
import type { Page } from '@playwright/test';
import { call, placeOrder, register, url } from '../support/api';
import type { Customer, Product } from '../support/api';
import { expect, signIn, signInAsAdmin, test } from '../support/test';

const folder = resolve(import.meta.dirname, '../../docs/screenshots');
let customer: Customer;
let product: Product;
let orderId: number;
let unpaidId: number;

test.beforeAll(async () => {
  const { items } = await call<{ items: Product[] }>('GET', '/products?q=skillet&inStock=true&size=1');
  product = items[0]!;
  customer = await register();
  orderId = await placeOrder(customer, product.productId);
  unpaidId = await placeOrder(customer, product.productId, null);
  await call('POST', '/cart', { token: customer.token, body: { productId: product.productId, quantity: 2 } });
});

const shop = (): [name: string, path: string][] => [
  ['home', '/'],
  ['category', '/c/kitchen?inStock=true'],
  ['product', `/products/${product.slug}`],
  ['cart', '/cart'],
  ['checkout', '/checkout'],
  ['payment', `/orders/${unpaidId}/pay`],
  ['order', `/orders/${orderId}`],
];
const office = (): [name: string, path: string][] => [
  ['admin-dashboard', '/admin'],
  ['admin-orders', '/admin/orders'],
  ['admin-products', '/admin/products'],
  ['admin-customers', '/admin/customers'],
];

for (const [scheme, width] of [['light', 1280], ['dark', 1280], ['light', 360], ['dark', 360]] as const) {
  test(`${scheme}, ${width} px`, async ({ browser }) => {
    test.setTimeout(300_000);
    const context = await browser.newContext({ colorScheme: scheme, viewport: { width, height: width < 768 ? 780 : 900 }, locale: 'en-GB' });
    const page = await context.newPage();
    await signIn(page, customer.email);
    for (const [name, path] of shop()) await take(page, path, `${name}-${width}-${scheme}`);
    await context.clearCookies();
    await page.evaluate(() => localStorage.clear());
    await signInAsAdmin(page);
    for (const [name, path] of office()) await take(page, path, `${name}-${width}-${scheme}`);
    await context.close();
  });
}

async function take(page: Page, path: string, name: string): Promise<void> {
  await page.goto(url(path));
  await expect(page.locator('main h1').first()).toBeVisible();
  await expect(page.locator('main .skeleton')).toHaveCount(0);
  await expect(page.locator('.p-toast-message')).toHaveCount(0);
  await page.evaluate(() => document.fonts.ready);
  await page.waitForFunction(() => [...document.images].filter((image) => image.getBoundingClientRect().top < innerHeight).every((image) => image.complete));
  // Charts are drawn once their file is there.
  await expect(page.locator('.chart-space')).toHaveCount(0);
  await page.screenshot({ path: join(folder, `${name}.png`), animations: 'disabled' });
}
