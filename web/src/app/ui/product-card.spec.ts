import { showPage } from '../testing/page';
import { eur, product } from '../testing/samples';
import { sourceOf } from './picture';
import { ProductCard } from './product-card';

const text = async (change: Parameters<typeof product>[0]) => {
  const shown = await showPage(ProductCard, [], { inputs: { product: product(change) } });
  return shown.text().replace(/\s+/g, ' ');
};

describe('a card', () => {
  it('stands for a group: its name and lowest price', async () => {
    const card = await text({ name: 'Pan – 26 cm', groupName: 'Pan', price: eur(3990), priceFrom: eur(2990), pricesDiffer: true, variantCount: 3, compareAtPrice: eur(4990) });
    expect(card).toContain('Pan from €29.90');
    expect(card).not.toContain('26 cm');
    // The old price belongs to one of the versions, and not to the one with the lowest price.
    expect(card).not.toContain('€49.90');
  });

  it('shows one price where versions do not differ in it, and what it was', async () => {
    const card = await text({ price: eur(2990), priceFrom: eur(2990), pricesDiffer: false, compareAtPrice: eur(3990) });
    expect(card).toContain('€29.90');
    expect(card).toContain('€39.90');
    expect(card).toContain('Sale');
    expect(card).not.toContain('from');
  });

  it('is sold out when the shown variant is, since one in stock is shown first', async () => {
    expect(await text({ stock: 0 })).toContain('Sold out');
  });
});

describe('the sizes of a picture', () => {
  it('are three for those that the shop keeps', () => {
    const srcset = '/api/pictures/7/thumb 320w, /api/pictures/7/medium 640w, /api/pictures/7/page 1200w';
    for (const size of ['thumb', 'medium', 'page']) expect(sourceOf(`/api/pictures/7/${size}`).srcset).toBe(srcset);
    expect(sourceOf('/pictures/cookware.svg').srcset).toBeNull();
  });
});
