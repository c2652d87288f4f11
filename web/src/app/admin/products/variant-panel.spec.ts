import { ADMIN, showPage } from '../../testing/page';
import { eur, product, productList } from '../../testing/samples';
import { VariantPanel } from './variant-panel';

const options = (value: string) => [{ name: 'Size', value }];
const variants = [
  { productId: 11, slug: 'a', options: options('S'), price: eur(100), stock: 1 },
  { productId: 12, slug: 'b', options: options('M'), price: eur(200), stock: 2 },
];
const button = (element: HTMLElement, text: string) => [...element.querySelectorAll('button')].find((one) => one.textContent.includes(text));

describe('the group of a product', () => {
  it('lists the versions with links to the others, and can be left', async () => {
    const shown = await showPage(VariantPanel, [], { user: ADMIN, inputs: { product: product({ variants }) } });
    expect([...shown.element.querySelectorAll('.rows a')].map((link) => link.textContent)).toEqual(['M']);
    let left = 0;
    shown.fixture.componentInstance.left.subscribe(() => (left += 1));
    button(shown.element, 'Separate from the others')?.click();
    expect(left).toBe(1);
    expect(shown.element.querySelector<HTMLAnchorElement>('a.btn')?.getAttribute('href')).toBe('/admin/products/new?like=11');
  });

  it('is joined by finding another product: loading, nothing, an error with a retry, products', async () => {
    const shown = await showPage(VariantPanel, [[/GET/, 'pending']], { user: ADMIN, inputs: { product: product({ variants: variants.slice(0, 1) }) } });
    expect(shown.text()).toContain('no other versions');
    button(shown.element, 'Combine with another product')?.click();
    await shown.settle();
    const search = async (words: string) => {
      shown.element.querySelector<HTMLInputElement>('#group-search')!.value = words;
      button(shown.element, 'Find')?.click();
      await shown.settle();
    };
    await search('pan');
    expect(shown.element.querySelector('app-skeleton-lines')).not.toBeNull();
    expect(shown.requests.sent[0]?.url).toBe('/api/products?q=pan&groups=false&size=6');
    shown.requests.answer = [[/GET/, { body: productList([product()]) }]];
    await search('kettle');
    expect(shown.text()).toContain('Nothing here');
    shown.requests.answer = [[/GET/, { status: 503 }]];
    await search('pot');
    expect(shown.element.querySelector('app-failed')).not.toBeNull();
    shown.requests.answer = [[/GET/, { body: productList([product(), product({ productId: 12, name: 'Pot', sku: 'POT-1' })]) }]];
    shown.element.querySelector<HTMLButtonElement>('app-failed button')?.click();
    await shown.settle();
    const joined: number[] = [];
    shown.fixture.componentInstance.joined.subscribe((id) => joined.push(id));
    expect(shown.text()).toContain('POT-1');
    button(shown.element, 'Combine: Pot')?.click();
    expect(joined).toEqual([12]);
  });
});
