import { adminToken, call, eventually, makeProduct, placeOrder, register } from '../support/api';
import type { Customer } from '../support/api';
import { checkBoth } from '../support/axe';
import { expect, open, signInAsAdmin, test } from '../support/test';
import { refuseNoticesOf } from '../support/store';
import type { Locator, Page } from '@playwright/test';

interface Shipped {
  customer: Customer;
  orderId: number;
  mend: () => void;
}

/** An order that is shipped while notification cannot write to its customer: the event becomes a dead letter. */
async function shipUnannounced(): Promise<Shipped> {
  const customer = await register();
  const orderId = await placeOrder(customer, (await makeProduct()).productId);
  await eventually(async () => expect(await kinds(customer)).toContain('order_paid'));
  const mend = refuseNoticesOf(customer.userId);
  const body = { carrier: 'DHL', trackingNumber: `T-${orderId}` };
  await call('POST', `/orders/${orderId}/ship`, { token: await adminToken(), body });
  return { customer, orderId, mend };
}

async function kinds({ token }: Customer): Promise<string[]> {
  const { items } = await call<{ items: { kind: string }[] }>('GET', '/notifications', { token });
  return items.map(({ kind }) => kind);
}

/** The row of the letter, once all six attempts have failed. */
async function rowOf(page: Page, orderId: number): Promise<Locator> {
  const row = page.getByRole('row', { name: new RegExp(`order\\.shipped\\.v1 ${orderId}`) });
  await expect(row).toBeVisible({ timeout: 30_000 });
  return row;
}

test.beforeEach(async ({ page }) => {
  await signInAsAdmin(page);
});

test('an admin replays a dead letter once its cause is gone, and the customer gets the notice', async ({ page }) => {
  const { customer, orderId, mend } = await shipUnannounced();
  await open(page, '/admin/dead-letters');
  const row = await rowOf(page, orderId);
  for (const text of ['notification.orders', 'the e2e test keeps this notice out', '6']) await expect(row).toContainText(text);
  await row.getByRole('button', { name: /^Show/ }).click();
  const payload = page.locator('.p-drawer');
  await expect(payload).toContainText(`"trackingNumber": "T-${orderId}"`);
  await checkBoth(page, 'a dead letter');
  await payload.getByRole('button', { name: 'Close' }).click();
  await expect(payload).toHaveCount(0);

  mend();
  expect(await kinds(customer)).not.toContain('order_shipped');
  await row.getByRole('button', { name: /^Replay/ }).click();
  await expect(page.getByText('The message is back in its queue.')).toBeVisible();
  await expect(row).toHaveCount(0);
  await eventually(async () => expect(await kinds(customer)).toContain('order_shipped'));
});

test('an admin discards a dead letter, and its notice never comes', async ({ page }) => {
  const { customer, orderId, mend } = await shipUnannounced();
  await open(page, '/admin/dead-letters');
  const row = await rowOf(page, orderId);
  mend();
  await row.getByRole('button', { name: /^Discard/ }).click();
  const question = page.getByRole('dialog');
  await expect(question).toContainText('It is lost for good.');
  await checkBoth(page, 'discarding a dead letter');
  await question.getByRole('button', { name: 'Discard' }).click();
  await expect(page.getByText('The message is discarded.')).toBeVisible();
  await expect(row).toHaveCount(0);
  // A later event of the order is handled as ever, so the missing one was not merely late.
  await call('POST', `/orders/${orderId}/deliver`, { token: await adminToken(), body: {} });
  await eventually(async () => expect(await kinds(customer)).toContain('order_delivered'));
  expect(await kinds(customer)).not.toContain('order_shipped');
});
