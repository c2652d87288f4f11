import { expect, open, test } from '../support/test';
import { adminToken, call, makeProduct, url } from '../support/api';
import type { Product } from '../support/api';

test('filters stand in the address, and "back" restores list and position', async ({ page }) => {
  await open(page, '/c/kitchen');
  await page.getByRole('main').getByRole('checkbox', { name: /In stock only/ }).check();
  await expect(page).toHaveURL(/inStock=true/);
  await page.getByLabel('Sort by').selectOption('price');
  await expect(page).toHaveURL(/sort=price/);
  await page.getByLabel('From').fill('10');
  await page.getByRole('button', { name: 'Apply price' }).click();
  await expect(page).toHaveURL(/minPrice=1000/);
  const cards = page.locator('app-product-card');
  await expect(cards.first()).toBeVisible();
  const name = await cards.nth(12).locator('.name').textContent();
  await cards.nth(12).scrollIntoViewIfNeeded();
  const before = await page.evaluate(() => scrollY);
  expect(before).toBeGreaterThan(300);
  await cards.nth(12).click();
  await expect(page.getByRole('heading', { level: 1 })).toContainText(name!.trim());
  expect(await page.evaluate(() => scrollY)).toBe(0);
  await page.goBack();
  await expect(page).toHaveURL(/inStock=true/);
  await expect(page.getByRole('button', { name: 'Remove filter: In stock only' })).toBeVisible();
  await expect.poll(() => page.evaluate(() => Math.round(scrollY))).toBe(Math.round(before));
});

test('a filter that is removed leaves the focus on the count', async ({ page }) => {
  await open(page, '/c/kitchen?inStock=true');
  await page.getByRole('button', { name: 'Remove filter: In stock only' }).click();
  await expect(page).not.toHaveURL(/inStock/);
  await expect(page.locator('.count-line')).toBeFocused();
});

test('suggestions come while typing, and end in all results', async ({ page }) => {
  await open(page, '/');
  const search = page.getByRole('combobox', { name: 'Search' });
  await search.fill('kett');
  await expect(page.getByRole('option', { name: /Kettle/ }).first()).toBeVisible();
  await search.press('ArrowUp');
  await expect(page.getByRole('listbox', { name: 'Suggestions' }).getByRole('option').last()).toHaveAttribute('aria-selected', 'true');
  await search.press('Enter');
  await expect(page).toHaveURL(/\/search\?q=kett/);
  await expect(page.getByRole('heading', { level: 1 })).toContainText('kett');
});

test('an address by id is replaced by the slug', async ({ page }) => {
  const { items } = (await (await fetch(url('/api/products?size=1'))).json()) as { items: { productId: number; slug: string }[] };
  await open(page, `/products/${items[0]!.productId}`);
  await expect(page).toHaveURL(new RegExp(`/products/${items[0]!.slug}$`));
});

test('an unknown product and an unknown page say so, and lead on', async ({ page, watch }) => {
  watch.allow(/status of 404/);
  await page.goto(url('/products/there-is-no-such-thing'));
  await expect(page.getByText('This product is no longer here')).toBeVisible();
  await page.goto(url('/there-is-no-such-page'));
  await expect(page.getByRole('heading', { name: 'Page not found' })).toBeVisible();
  await page.goto(url('/admin'));
  await expect(page.getByRole('heading', { name: 'Page not found' })).toBeVisible();
});

test('a list is narrowed down to a maker, whose chip removes it again', async ({ page }) => {
  await open(page, '/c/kitchen');
  await expect(page.locator('.list-page app-product-card').first()).toBeVisible();
  const before = (await page.locator('.count-line').textContent())!.trim();
  const maker = page.locator('.list-filters').getByRole('group', { name: 'Maker' }).getByRole('checkbox').first();
  await maker.check();
  await expect(page).toHaveURL(/brand=/);
  const name = new URL(page.url()).searchParams.get('brand')!;
  await expect(page.locator('.count-line')).not.toHaveText(before);
  await expect.poll(async () => new Set(await page.locator('app-product-card .maker').allTextContents())).toEqual(new Set([name]));
  await page.reload();
  await page.getByRole('button', { name: `Remove filter: ${name}` }).click();
  await expect(page).not.toHaveURL(/brand=/);
  await expect(page.locator('.count-line')).toHaveText(before);
});

test('values of an option add up, and stand in the address', async ({ page }) => {
  await open(page, '/search?q=cast%20iron%20skillet');
  const sizes = page.locator('.list-filters').getByRole('group', { name: 'Diameter' });
  await sizes.getByRole('checkbox', { name: /26 cm/ }).check();
  await expect(page).toHaveURL(/option\.Diameter=26%20cm/);
  await expect(page.locator('app-product-card').first()).toContainText('Cast Iron Skillet');
  await sizes.getByRole('checkbox', { name: /30 cm/ }).check();
  await expect.poll(() => new URL(page.url()).searchParams.getAll('option.Diameter')).toEqual(['26 cm', '30 cm']);
  await page.reload();
  await page.getByRole('button', { name: 'Remove filter: Diameter: 26 cm' }).click();
  await page.getByRole('button', { name: 'Remove filter: Diameter: 30 cm' }).click();
  await expect(page).not.toHaveURL(/option/);
});

test('a typo is understood while typing and in the list', async ({ page }) => {
  await open(page, '/');
  const search = page.getByRole('combobox', { name: 'Search' });
  await search.fill('skilet');
  await expect(page.getByRole('option', { name: 'Did you mean “skillet”?' })).toBeVisible();
  await search.press('Enter');
  await expect(page).toHaveURL(/q=skilet/);
  await expect(page.getByText('Showing what was found for “skillet”.')).toBeVisible();
  await expect(page.locator('app-product-card').first()).toContainText('Cast Iron Skillet');
});

for (const width of [1280, 360]) {
  test(`the first view shows what the application shows, in the same places, at ${width} px`, async ({ browser, page }) => {
    const product = await makeProduct();
    const token = await adminToken();
    const { items } = await call<{ items: Product[] }>('GET', '/products?q=skillet&size=1');
    const pictures = ['cookware', 'coffee-tea'].map((name) => ({ url: `/pictures/${name}.svg`, alt: name }));
    await call('PATCH', `/products/${product.productId}`, { token, body: { pictures }, headers: { 'if-match': '"v1.20"' } });
    const viewport = { width, height: 900 };
    await page.setViewportSize(viewport);
    const bare = await browser.newContext({ javaScriptEnabled: false, viewport, locale: 'en-GB' });
    const view = await bare.newPage();
    for (const [path, parts] of [
      ['/', ['main h1', '.hero .picture']],
      ['/c/cookware', ['main h1', '.grid .card', '.grid .card .price']],
      [`/products/${items[0]!.slug}`, ['main h1', '.gallery .picture', '.price-line .price']],
      [`/products/${product.slug}`, ['main h1', '.gallery .picture', '.price-line .price']],
    ] as const) {
      await open(page, path);
      // Only the application has a skip link.
      await expect(page.locator('app-root .skip')).toHaveCount(1);
      await expect(page.locator(parts[1]).first()).toBeVisible();
      // A catalogue that takes longer than the gateway waits for it leaves a page without its first view.
      await expect(async () => {
        await view.goto(url(path));
        await expect(view.locator(`#first-view ${parts[1]}`).first()).toBeVisible({ timeout: 500 });
      }).toPass({ timeout: 20_000 });
      for (const part of parts) {
        const [mine, first] = [page.locator(`app-root ${part}`).first(), view.locator(`#first-view ${part}`).first()];
        const words = async (it: typeof mine) => (await it.innerText()).replace(/\s+/g, ' ').trim();
        if (!part.endsWith('.picture')) expect(await words(first), `${path} ${part}`).toBe(await words(mine));
        const [a, b] = [(await mine.boundingBox())!, (await first.boundingBox())!];
        expect(Math.max(Math.abs(a.x - b.x), Math.abs(a.y - b.y)), `${path} ${part} moves`).toBeLessThanOrEqual(1);
      }
    }
    await bare.close();
  });
}
