import { eur, page, product } from '../../testing/samples';
import { showPage } from '../../testing/page';
import { ProductPage } from './product-page';

const options = (value: string) => [{ name: 'Diameter', value }];
const variants = [
  { productId: 11, slug: 'pan-20', options: options('20 cm'), price: eur(2990), stock: 3 },
  { productId: 12, slug: 'pan-26', options: options('26 cm'), price: eur(3990), stock: 0 },
];
const pan = product({ slug: 'pan-20', name: 'Pan – 20 cm', groupName: 'Pan', price: eur(2990), compareAtPrice: eur(3990), brand: 'Maker', options: options('20 cm'), variants });

describe('the page of a product with variants', () => {
  const show = (change = {}) =>
    showPage(ProductPage, [[/by-slug\/pan-20/, { body: { ...pan, ...change } }], [/related/, { body: page([product({ productId: 30, slug: 'lid', name: 'Lid' })]) }]], { inputs: { slug: 'pan-20' } });

  it('shows them as radio buttons, with what is chosen and what is sold out', async () => {
    const shown = await show();
    const radios = [...shown.element.querySelectorAll<HTMLInputElement>('fieldset input[type="radio"]')];
    expect(radios.map((radio) => radio.checked)).toEqual([true, false]);
    expect(shown.element.querySelector('.tile.sold-out')?.textContent).toContain('26 cm');
    expect(shown.element.querySelector('legend')?.textContent).toContain('Diameter');
  });

  it('is headed by the name of the group and the chosen options', async () => {
    const shown = await show();
    expect(shown.element.querySelector('h1')?.textContent).toBe('Pan 20 cm');
    expect(shown.element.querySelector('legend')?.textContent).toContain('20 cm');
    expect(document.title).toContain('Pan – 20 cm');
  });

  it('shows what goes with it', async () => {
    const shown = await show();
    expect(shown.requests.sent.some(({ url }) => url === '/api/products/11/related')).toBe(true);
    expect(shown.element.querySelector('app-product-card')?.textContent).toContain('Lid');
  });

  it('has each picture with a text, and small ones to choose from', async () => {
    const shown = await show({ pictures: [{ url: '/a', alt: '' }, { url: '/b', alt: '' }, { url: '/c', alt: 'From the side' }] });
    expect([...shown.element.querySelectorAll('.strip img')].map((image) => image.getAttribute('alt'))).toEqual(['Pan', 'Pan, Picture 2 of 3', 'From the side']);
    expect(shown.element.querySelectorAll('.thumbs button')).toHaveLength(3);
    const next = shown.element.querySelector<HTMLButtonElement>('.next');
    expect(next?.textContent).toContain('1 / 3');
    HTMLElement.prototype.scrollTo = () => undefined;
    next?.click();
    await shown.settle();
    expect(next?.textContent).toContain('2 / 3');
      });

  it('shows the price before the reduction', async () => {
    expect((await show()).element.querySelector('s')?.textContent).toContain('€39.90');
  });

  it('offers news instead of a purchase when sold out', async () => {
    const shown = await show({ stock: 0 });
    expect(shown.text()).toContain('Sold out');
    expect(shown.text()).toContain('Tell me when it is back');
    expect(shown.text()).not.toContain('Add to cart');
  });
});
