import { advanceClock, changeStock, hasTestClock, makeProduct, placeOrder, register, uniqueEmail } from '../support/api';
import { addAndCheckOut, expect, fillAddress, open, payButton, placeOrderButton, registerAtCheckout, signIn, test } from '../support/test';

test('a guest fills the cart, registers at the checkout, and pays', async ({ page }) => {
  const product = await makeProduct();
  await open(page, `/products/${product.slug}`);
  await page.getByRole('button', { name: 'One more' }).click();
  await addAndCheckOut(page);
  await registerAtCheckout(page, uniqueEmail());
  await fillAddress(page);
  await expect(page.getByText('12 Analytical Row')).toBeVisible();
  await placeOrderButton(page).click();
  await expect(page.getByRole('heading', { name: 'Pay for your order' })).toBeVisible();
  await expect(payButton(page)).toHaveText('Pay €89.80');
  await payButton(page).click();
  await expect(page.getByRole('heading', { name: 'Thank you! Your order is paid.' })).toBeVisible();
  await page.getByRole('link', { name: 'Follow your order' }).click();
  await expect(page.getByText('Paid, being packed')).toBeVisible();
  await expect(page.locator('.timeline')).toContainText('Payment received');
  await expect(page.getByRole('button', { name: /^Cart, 0/ })).toBeVisible();
});

test('a returning customer buys with few clicks', async ({ page }) => {
  const product = await makeProduct();
  const customer = await register();
  await placeOrder(customer, product.productId);
  await signIn(page, customer.email);
  await open(page, '/');
  let clicks = 0;
  const click = async (target: ReturnType<typeof page.locator>) => {
    clicks += 1;
    await target.click();
  };
  await click(page.locator('app-product-card a').first());
  await click(page.getByRole('button', { name: 'Add to cart' }));
  await click(page.locator('.cart-drawer').getByRole('button', { name: 'Check out' }));
  await click(placeOrderButton(page));
  await click(payButton(page));
  await expect(page.getByRole('heading', { name: 'Thank you! Your order is paid.' })).toBeVisible();
  expect(clicks).toBeLessThanOrEqual(7);
});

test('a declined card says why, and another one pays', async ({ page }) => {
  const product = await makeProduct();
  const customer = await register();
  const orderId = await placeOrder(customer, product.productId, null);
  await signIn(page, customer.email);
  await open(page, `/orders/${orderId}/pay`);
  await page.getByRole('radio', { name: /Declined card/ }).check();
  await payButton(page).click();
  await expect(page.getByRole('alert')).toContainText('Your bank declined this card. Nothing was charged.');
  await page.getByRole('radio', { name: /Visa ending in 4242/ }).check();
  await payButton(page).click();
  await expect(page.getByRole('heading', { name: 'Thank you! Your order is paid.' })).toBeVisible();
});

test('what sold out between cart and order is named, and nothing is ordered', async ({ page }) => {
  const product = await makeProduct({ stock: 3 });
  const customer = await register();
  await placeOrder(customer, product.productId);
  await signIn(page, customer.email);
  await open(page, `/products/${product.slug}`);
  await addAndCheckOut(page);
  await expect(placeOrderButton(page)).toBeVisible();
  await changeStock(product.productId, -2);
  await placeOrderButton(page).click();
  await expect(page.getByRole('alert')).toContainText('Somebody was faster');
  await expect(page.getByRole('alert')).toContainText(product.name);
  await page.getByRole('link', { name: 'Back to the cart' }).click();
  await expect(page.getByRole('heading', { name: 'Cart', level: 1 })).toBeVisible();
  await expect(page.getByRole('main')).toContainText(product.name);
});

test('an order is cancelled before it is paid', async ({ page }) => {
  const product = await makeProduct();
  const customer = await register();
  const orderId = await placeOrder(customer, product.productId, null);
  await signIn(page, customer.email);
  await open(page, `/orders/${orderId}`);
  await page.getByRole('button', { name: 'Cancel order' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Cancel order' }).click();
  await expect(page.locator('.timeline')).toContainText('You cancelled it.');
  await expect(page.locator('app-order-status')).toContainText('Cancelled');
});

test('a payment whose answer is lost survives a reload, and is charged once', async ({ page }) => {
  const product = await makeProduct();
  const customer = await register();
  const orderId = await placeOrder(customer, product.productId, null);
  await signIn(page, customer.email);
  await open(page, `/orders/${orderId}/pay`);
  await page.getByRole('radio', { name: /Lost answer/ }).check();
  await payButton(page).click();
  await expect(page.getByText('Your bank is taking its time')).toBeVisible();
  await page.reload();
  await expect(page.getByText('Your bank is taking its time').or(page.getByText('Thank you!'))).toBeVisible();
  // The provider is queried again within 30 s.
  if (await hasTestClock()) await advanceClock(40);
  await expect(page.getByRole('heading', { name: 'Thank you! Your order is paid.' })).toBeVisible({ timeout: 50_000 });
});

test('a reload while the order is being paid does not lose the cart or the sign-in', async ({ page }) => {
  const product = await makeProduct();
  const customer = await register();
  await signIn(page, customer.email);
  await open(page, `/products/${product.slug}`);
  await page.getByRole('button', { name: 'Add to cart' }).click();
  await expect(page.locator('.cart-drawer')).toContainText(product.name);
  await page.reload();
  await expect(page.getByRole('button', { name: /^Cart, 1 item/ })).toBeVisible();
});

test('a purchase is made by keyboard alone', async ({ page }) => {
  const product = await makeProduct();
  const customer = await register();
  await placeOrder(customer, product.productId);
  await signIn(page, customer.email);
  await open(page, '/');
  const tabTo = async (target: ReturnType<typeof page.locator>) => {
    for (let i = 0; i < 80; i += 1) {
      if (await target.evaluate((element) => element === document.activeElement)) return;
      await page.keyboard.press('Tab');
    }
    throw new Error('not reached by Tab');
  };
  await tabTo(page.getByRole('combobox', { name: 'Search' }));
  await page.keyboard.type(product.name);
  await expect(page.getByRole('option').first()).toBeVisible();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('heading', { name: product.name, level: 1 })).toBeFocused();
  await tabTo(page.getByRole('button', { name: 'Add to cart' }));
  await page.keyboard.press('Enter');
  const checkOut = page.locator('.cart-drawer').getByRole('button', { name: 'Check out' });
  await expect(checkOut).toBeVisible();
  await tabTo(checkOut);
  await page.keyboard.press('Enter');
  await expect(placeOrderButton(page)).toBeVisible();
  await tabTo(placeOrderButton(page));
  await page.keyboard.press('Enter');
  await expect(page.getByRole('heading', { name: 'Pay for your order' })).toBeVisible();
  await tabTo(payButton(page));
  await page.keyboard.press('Enter');
  await expect(page.getByRole('heading', { name: 'Thank you! Your order is paid.' })).toBeFocused();
});
