import type { Page } from '@playwright/test';
import { changeStock, makeProduct, register, uniqueEmail } from '../support/api';
import { expect, fillAddress, open, payButton, placeOrderButton, signIn, test } from '../support/test';

/** Collects what live regions say: the texts that appear in them, which screen readers read. */
async function listen(page: Page): Promise<void> {
  await page.addInitScript(() => {
    const said: string[] = [];
    Object.assign(window, { said });
    const regionOf = (node: Node) => (node instanceof Element ? node : node.parentElement)?.closest('[aria-live], [role="status"], [role="alert"]');
    new MutationObserver((changes) => {
      for (const { target, addedNodes } of changes) {
        const regions = [...addedNodes].flatMap((node) => (node instanceof Element ? [...node.querySelectorAll('[role="status"], [role="alert"]')] : []));
        for (const region of new Set([regionOf(target), ...[...addedNodes].map(regionOf), ...regions])) {
          const text = region?.textContent.replace(/\s+/g, ' ').trim();
          if (text) said.push(text);
        }
      }
    }).observe(document, { subtree: true, childList: true, characterData: true });
  });
}
async function said(page: Page, text: RegExp): Promise<void> {
  await expect.poll(() => page.evaluate(() => (window as unknown as { said: string[] }).said.join(' | '))).toMatch(text);
}

/** docs/web.md, "A purchase as a screen reader announces it": the table is true. */
test('a purchase as a screen reader announces it', async ({ page }) => {
  const product = await makeProduct({ stock: 3 });
  await listen(page);
  await open(page, '/');
  for (const landmark of ['banner', 'search', 'main', 'contentinfo'] as const) await expect(page.getByRole(landmark).first()).toBeVisible();
  await expect(page.getByRole('navigation', { name: 'Departments' })).toBeVisible();

  const field = page.getByRole('combobox', { name: 'Search' });
  await field.fill(product.name);
  await expect(field).toHaveAttribute('aria-expanded', 'true');
  await said(page, /\d+ suggestions?/);
  await expect(page.getByRole('listbox').getByRole('option').last()).toContainText('All results for');
  await field.press('ArrowDown');
  await field.press('Enter');

  await expect(page.getByRole('heading', { name: product.name, level: 1 })).toBeFocused();
  const quantity = page.getByRole('group', { name: 'Quantity' }).first();
  const more = quantity.getByRole('button', { name: 'One more' });
  await more.click();
  await said(page, /Quantity: 2/);
  await expect(more).toBeFocused();
  await more.click();
  await more.press('Enter');
  await said(page, /No more than 3 are in stock\./);
  await quantity.getByRole('button').first().click();

  await page.getByRole('button', { name: 'Add to cart' }).click();
  const drawer = page.locator('.cart-drawer');
  await expect(drawer.getByRole('button', { name: 'Close' })).toBeFocused();
  await expect(drawer).toContainText(product.name);
  await drawer.getByRole('button', { name: 'Check out' }).click();

  await expect(page.getByRole('heading', { name: 'Checkout', level: 1 })).toBeFocused();
  await expect(page.getByRole('button', { name: 'Cart, 2 items' })).toBeAttached();
  await expect(page.getByRole('list', { name: 'Steps' }).locator('[aria-current="step"]')).toHaveCount(1);
  await page.getByLabel('E-mail address').fill(uniqueEmail());
  await page.getByLabel('Password', { exact: true }).fill('correct horse battery');
  await page.getByRole('button', { name: 'Create account' }).click();
  await page.getByLabel('Full name').fill('Ada Byron');
  await page.getByLabel('Street and number').fill('12 Analytical Row');
  await page.getByLabel('Town or city').fill('Lyon');
  await page.getByLabel('Country').selectOption('FR');
  await page.getByRole('button', { name: 'Continue to review' }).click();
  const postalCode = page.getByLabel('Postal code');
  await expect(postalCode).toBeFocused();
  await expect(postalCode).toHaveAttribute('aria-invalid', 'true');
  await expect(postalCode).toHaveAccessibleDescription(/Please enter: Postal code\./);
  await fillAddress(page);
  await expect(page.getByRole('heading', { name: 'Check your order' })).toBeFocused();

  await placeOrderButton(page).click();
  await expect(page.getByRole('heading', { name: 'Pay for your order' })).toBeFocused();
  await page.getByText('Declined card').click();
  await payButton(page).click();
  await said(page, /Your bank declined this card\. Nothing was charged\./);
  await expect(payButton(page)).toBeFocused();
  await page.getByText('Visa ending in 4242').click();
  await payButton(page).click();
  await expect(page.getByRole('heading', { name: 'Thank you! Your order is paid.' })).toBeFocused();
});

test('what sold out meanwhile is announced', async ({ page }) => {
  const product = await makeProduct({ stock: 1 });
  const customer = await register();
  await listen(page);
  await signIn(page, customer.email);
  await open(page, `/products/${product.slug}`);
  await page.getByRole('button', { name: 'Add to cart' }).click();
  await page.locator('.cart-drawer').getByRole('button', { name: 'Check out' }).click();
  await fillAddress(page);
  await expect(placeOrderButton(page)).toBeVisible();
  await changeStock(product.productId, -1);
  await placeOrderButton(page).click();
  await said(page, /Somebody was faster/);
});
