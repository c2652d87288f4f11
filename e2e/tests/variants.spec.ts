import { call, eventually, uniqueEmail } from '../support/api';
import { addAndCheckOut, expect, fillAddress, open, payButton, placeOrderButton, registerAtCheckout, signInAsAdmin, test } from '../support/test';

interface Listed {
  groupName: string;
  priceFrom: { amount: number };
  variantCount: number;
}

test('an admin adds a product with variants; a customer sees one card, chooses, and buys', async ({ page, browser }) => {
  const name = `Sauté Pan ${Date.now()}`;
  await signInAsAdmin(page);
  await open(page, '/admin/products/new');
  await page.getByLabel('Name', { exact: true }).first().fill(name);
  await page.getByLabel('Description').fill('Straight sides, a lid, and a long handle.');
  await page.getByLabel('Maker').fill('Test & Daughters');
  await page.getByLabel('Tags').fill('pan, steel');
  await page.getByLabel('Price', { exact: true }).fill('39,90');
  await page.getByLabel('Category').selectOption({ label: 'Kitchen › Cooking › Cookware' });
  await page.getByLabel('Stock at the start').fill('4');
  await page.getByRole('button', { name: 'Add option' }).click();
  const option = page.locator('.option').first();
  await option.getByLabel('Name').fill('Diameter');
  await option.getByLabel('Value').fill('28 cm');
  await page.getByRole('button', { name: 'Save changes' }).click();
  await expect(page.getByRole('heading', { name: `${name} – 28 cm`, level: 1 })).toBeVisible();

  await page.getByRole('link', { name: 'Add a version' }).click();
  await expect(page.getByRole('heading', { name: `New version of ${name}` })).toBeVisible();
  await page.locator('.option').getByLabel('Value').fill('24 cm');
  await page.getByLabel('Price', { exact: true }).fill('29,90');
  await page.getByLabel('Stock at the start').fill('3');
  await page.getByRole('button', { name: 'Save changes' }).click();
  await expect(page.getByRole('heading', { name: `${name} – 24 cm`, level: 1 })).toBeVisible();
  await expect(page.getByRole('region', { name: 'Versions' }).getByRole('link', { name: '28 cm' })).toBeVisible();

  await eventually(async () => {
    const { items } = await call<{ items: Listed[] }>('GET', `/products?q=${encodeURIComponent(name)}`);
    expect(items).toMatchObject([{ groupName: name, priceFrom: { amount: 2990 }, variantCount: 2 }]);
  });

  const visitor = await browser.newContext({ viewport: { width: 1280, height: 900 }, locale: 'en-GB' });
  const shop = await visitor.newPage();
  await open(shop, `/search?q=${encodeURIComponent(name)}`);
  const card = shop.locator('app-product-card');
  await expect(card).toHaveCount(1);
  await expect(card).toContainText(name);
  await expect(card).toContainText('from €29.90');
  await card.getByRole('link').click();
  await expect(shop.getByRole('heading', { level: 1 })).toHaveText(`${name} 28 cm`);
  await expect(shop.locator('.price-line')).toContainText('€39.90');
  await shop.getByRole('radio', { name: '24 cm' }).check();
  await expect(shop.getByRole('heading', { level: 1 })).toHaveText(`${name} 24 cm`);
  await expect(shop.getByRole('radio', { name: '24 cm' })).toBeChecked();
  await expect(shop.locator('.price-line')).toContainText('€29.90');
  await addAndCheckOut(shop);
  await registerAtCheckout(shop, uniqueEmail());
  await fillAddress(shop);
  await expect(shop.getByRole('main')).toContainText(`${name} – 24 cm`);
  await placeOrderButton(shop).click();
  await expect(payButton(shop)).toHaveText('Pay €29.90');
  await payButton(shop).click();
  await expect(shop.getByRole('heading', { name: 'Thank you! Your order is paid.' })).toBeVisible();
  await visitor.close();

  await page.reload();
  const moves = page.getByRole('region', { name: 'Stock movements' });
  await expect(moves.getByRole('row', { name: /Sold/ })).toBeVisible();
  await expect(page.getByText('0 reserved, 1 sold')).toBeVisible();
});
