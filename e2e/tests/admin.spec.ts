import { adminToken, call, eventually, makeProduct, placeOrder, register } from '../support/api';
import type { Product } from '../support/api';
import { expect, open, signInAsAdmin, test } from '../support/test';

/** Pictures of 8 × 8 pixels. */
const RED = 'iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAIAAABLbSncAAAAEUlEQVR42mM4oaGBFTEMLQkAgl1GARdiiXUAAAAASUVORK5CYII=';
const BLUE = 'iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAIAAABLbSncAAAAEUlEQVR42mPQ0DiBFTEMLQkAMl1GAaDzpJ4AAAAASUVORK5CYII=';

test.beforeEach(async ({ page }) => {
  await signInAsAdmin(page);
});

test('an admin adds a product, and it is sold', async ({ page }) => {
  const name = `Copper Pot ${Date.now()}`;
  await open(page, '/admin/products');
  await page.getByRole('link', { name: 'New product' }).click();
  await page.getByLabel('Name', { exact: true }).first().fill(name);
  await page.getByLabel('Description').fill('Heavy, and good for jam.');
  await page.getByLabel('Price', { exact: true }).fill('89,50');
  await page.getByLabel('Category').selectOption({ label: 'Kitchen › Cooking › Cookware' });
  await page.getByLabel('Stock at the start').fill('7');
  await page.getByRole('button', { name: 'Save changes' }).click();
  await expect(page.getByRole('heading', { name })).toBeVisible();
  await expect(page).toHaveURL(/\/admin\/products\/\d+$/);
  const productId = Number(page.url().split('/').at(-1));
  await eventually(async () => {
    const product = await call<Product>('GET', `/products/${productId}`);
    expect(product).toMatchObject({ name, stock: 7, price: { amount: 8950 } });
  });
  await placeOrder(await register(), productId);
  await page.reload();
  await expect(page.getByText('6', { exact: true })).toBeVisible();
});

test('an admin adjusts stock with a reason', async ({ page }) => {
  const product = await makeProduct({ stock: 10 });
  await open(page, `/admin/products?q=${encodeURIComponent(product.name)}`);
  await page.getByRole('button', { name: `Adjust stock of ${product.name}` }).click();
  // The dialog is open once it has moved the focus to its first field.
  await expect(page.getByLabel('Change', { exact: true })).toBeFocused();
  await page.getByLabel('Change', { exact: true }).fill('-3');
  await page.getByLabel('Reason').fill('broken in the store room');
  await expect(page.getByText('Afterwards: 7')).toBeVisible();
  await page.getByRole('dialog').getByRole('button', { name: 'Save changes' }).click();
  await expect(page.getByRole('row', { name: new RegExp(product.name) })).toContainText('7');
});

test('two admins edit one product: both versions are shown', async ({ page, watch }) => {
  watch.allow(/status of 412/);
  const product = await makeProduct();
  await open(page, `/admin/products/${product.productId}`);
  await call('PATCH', `/products/${product.productId}`, { token: await adminToken(), body: { name: 'Their Kettle' }, headers: { 'if-match': '"v1.0"' } });
  await page.getByLabel('Name', { exact: true }).first().fill('My Kettle');
  await page.getByRole('button', { name: 'Save changes' }).click();
  const dialog = page.getByRole('dialog');
  await expect(dialog).toContainText('Their Kettle');
  await expect(dialog).toContainText('My Kettle');
  await dialog.getByRole('button', { name: 'Save mine' }).click();
  await expect(page.getByRole('heading', { name: 'My Kettle' })).toBeVisible();
});

test('an admin imports a file, and reads what was rejected', async ({ page }) => {
  const stamp = Date.now();
  const rows = Array.from({ length: 450 }, (_, i) => `imported-${stamp}-${i},Imported ${stamp} ${i},IMP-${stamp}-${i},5,${i === 449 ? 'free' : '9.90'}`);
  const csv = ['Handle,Title,Variant SKU,Variant Inventory Qty,Variant Price', ...rows].join('\n');
  await open(page, '/admin/products/import');
  await page.getByLabel('Choose a CSV file').setInputFiles({ name: 'products.csv', mimeType: 'text/csv', buffer: Buffer.from(csv) });
  await page.getByRole('button', { name: 'Import' }).click();
  await expect(page.getByText('450 of 450 rows')).toBeVisible({ timeout: 30_000 });
  await expect(page.locator('.numbers')).toContainText('449');
  await expect(page.getByRole('cell', { name: '451' })).toBeVisible();
});

test('an admin finds a customer by address, and the orders of a day', async ({ page }) => {
  const [customer, other] = [await register(), await register()];
  const orderId = await placeOrder(customer, (await makeProduct()).productId);
  await open(page, '/admin/customers');
  await page.getByLabel('Name or e-mail address').fill(customer.email.toUpperCase());
  await page.getByRole('button', { name: 'Find' }).click();
  await expect(page.getByRole('row', { name: new RegExp(customer.email) })).toBeVisible();
  await expect(page.getByText(other.email)).toHaveCount(0);
  await page.getByRole('group', { name: 'Role' }).getByRole('button', { name: 'Admin' }).click();
  await expect(page.getByText('Nothing matches these filters.')).toBeVisible();
  await page.getByRole('group', { name: 'Role' }).getByRole('button', { name: 'All' }).click();
  await page.getByRole('link', { name: `Orders ${customer.email}` }).click();
  await expect(page.getByRole('heading', { name: `Orders of customer ${customer.email}` })).toBeVisible();
  await expect(page.getByRole('link', { name: String(orderId) })).toBeVisible();
  await page.getByLabel('Placed until').fill('2020-01-31');
  await expect(page.getByText('Nothing matches these filters.')).toBeVisible();
  await expect(page).toHaveURL(/to=2020-01-31/);
});

test('an admin finds an order by name, address and number', async ({ page }) => {
  const [customer, other] = [await register(), await register()];
  const { productId } = await makeProduct();
  const name = `Zoë Quux${Date.now()}`;
  const [orderId, otherId] = [await placeOrder(customer, productId, null, name), await placeOrder(other, productId, null)];
  await open(page, '/admin/orders');
  for (const query of [`zoe ${name.split(' ')[1]?.toUpperCase()}`, customer.email.toUpperCase(), String(orderId)]) {
    await page.getByLabel('Name, e-mail address or order number').fill(query);
    await page.getByRole('button', { name: 'Find' }).click();
    await expect(page.getByRole('link', { name: String(orderId) })).toBeVisible();
    await expect(page.getByRole('link', { name: String(otherId) })).toHaveCount(0);
  }
  await page.getByLabel('Name, e-mail address or order number').fill(`${name} Nobody`);
  await page.getByRole('button', { name: 'Find' }).click();
  await expect(page.getByText('Nothing matches these filters.')).toBeVisible();
});

test('an admin ships and delivers an order', async ({ page }) => {
  const orderId = await placeOrder(await register(), (await makeProduct()).productId);
  await open(page, `/admin/orders/${orderId}`);
  await page.getByRole('button', { name: 'Ship' }).click();
  await page.getByRole('textbox', { name: 'Carrier' }).fill('DHL');
  await page.getByRole('textbox', { name: 'Tracking number' }).fill('00340434161094021501');
  await page.getByRole('dialog').getByRole('button', { name: 'Ship' }).click();
  await expect(page.locator('.timeline')).toContainText('DHL, 00340434161094021501');
  await page.getByRole('button', { name: 'Mark as delivered' }).click();
  await expect(page.locator('.timeline')).toContainText('Delivered');
});

test('an admin refunds a payment', async ({ page }) => {
  const orderId = await placeOrder(await register(), (await makeProduct()).productId);
  await open(page, `/admin/orders/${orderId}`);
  await page.getByRole('button', { name: 'Refund' }).click();
  await page.getByRole('dialog').getByLabel('Amount').fill('10,00');
  await page.getByRole('dialog').getByRole('button', { name: 'Refund' }).click();
  await expect(page.locator('.timeline')).toContainText('€10.00');
  await expect(page.getByText('€10.00 refunded')).toBeVisible();
});

test('an admin hides a product, finds it among the hidden ones, and restores it', async ({ page }) => {
  const product = await makeProduct();
  await open(page, `/admin/products/${product.productId}`);
  await page.getByRole('button', { name: 'Hide product' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Hide product' }).click();
  await expect(page).toHaveURL(/\/admin\/products$/);
  await page.getByRole('button', { name: 'Hidden products' }).click();
  await expect(page).toHaveURL(/hidden=true/);
  await page.getByRole('button', { name: new RegExp(`Show again.*${product.name}`) }).click();
  await expect(page.getByText(`${product.name} is in the shop again.`)).toBeVisible();
  await eventually(async () => void (await call('GET', `/products/${product.productId}`)));
});

test('an admin exports the catalogue to a file', async ({ page }) => {
  await open(page, '/admin/products');
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Export' }).click()]);
  expect(download.suggestedFilename()).toMatch(/^products-\d{4}-\d\d-\d\d\.csv$/);
  const chunks: Buffer[] = [];
  for await (const chunk of await download.createReadStream()) chunks.push(chunk as Buffer);
  expect(Buffer.concat(chunks).toString()).toMatch(/^Title,URL handle,[^]*Cast Iron Skillet/);
});

test('an admin adds pictures, describes and arranges them; the shop shows them in that order', async ({ page }) => {
  const product = await makeProduct();
  await open(page, `/admin/products/${product.productId}`);
  const pictures = page.getByRole('region', { name: 'Pictures' });
  for (const [i, data] of [RED, BLUE].entries()) {
    await pictures.getByLabel('Add a picture').setInputFiles({ name: `${i}.png`, mimeType: 'image/png', buffer: Buffer.from(data, 'base64') });
    await expect(pictures.locator('.picture-row')).toHaveCount(i + 1);
  }
  await pictures.getByLabel('Picture 1 of 2').fill('From the front');
  await pictures.getByLabel('Picture 2 of 2').fill('From the back');
  await pictures.getByRole('button', { name: 'Move picture 2 up' }).click();
  await expect(pictures.getByLabel('Picture 1 of 2')).toHaveValue('From the back');
  await page.getByRole('button', { name: 'Save changes' }).click();
  await expect(page.getByText('Saved', { exact: true })).toBeVisible();
  await page.getByRole('link', { name: 'See it in the shop' }).click();
  const shown = page.locator('.strip img');
  await expect(shown).toHaveCount(2);
  expect(await shown.evaluateAll((images) => images.map((image) => image.getAttribute('alt')))).toEqual(['From the back', 'From the front']);
  await page.getByRole('button', { name: 'Picture 2 of 2' }).click();
  await expect(page.getByRole('button', { name: 'Picture 2 of 2' })).toHaveAttribute('aria-current', 'true');
});
