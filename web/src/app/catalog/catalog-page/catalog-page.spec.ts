import { TestBed } from '@angular/core/testing';
import { Router } from '@angular/router';
import { showPage } from '../../testing/page';
import { product, productList } from '../../testing/samples';
import { CatalogPage } from './catalog-page';

const brands = Array.from({ length: 12 }, (_, i) => ({ brand: `Maker ${i + 1}`, count: 20 - i }));

describe('the filter by maker', () => {
  const show = async () => {
    const list = productList([product()]);
    const shown = await showPage(CatalogPage, [[/GET \/api\/products/, { body: { ...list, facets: { ...list.facets, brands } } }]], { inputs: { slug: undefined } });
    const labels = () => [...shown.element.querySelectorAll('label:has([type="radio"])')].map((label) => label.textContent.replace(/\s+/g, ' ').trim());
    return { shown, labels, radio: (name: string) => [...shown.element.querySelectorAll('label')].find((label) => label.textContent.includes(name))?.querySelector('input') };
  };

  it('shows the most frequent with their numbers, and the rest on request', async () => {
    const { shown, labels } = await show();
    expect(labels()).toHaveLength(9);
    expect(labels().slice(0, 2)).toEqual(['All makers', 'Maker 1 20']);
    [...shown.element.querySelectorAll('button')].find((button) => button.textContent.includes('Show more (4)'))?.click();
    await shown.settle();
    expect(labels()).toHaveLength(13);
  });

  it('stands in the address, and as a chip that removes it', async () => {
    const { shown, radio } = await show();
    radio('Maker 2')?.click();
    await shown.settle();
    expect(TestBed.inject(Router).url).toBe('/?brand=Maker%202');
    expect(shown.requests.sent.at(-1)?.url).toBe('/api/products?brand=Maker%202&size=24');
    expect(shown.element.querySelector('h1')?.textContent).toBe('Maker 2');
    shown.element.querySelector<HTMLButtonElement>('[aria-label="Remove filter: Maker 2"]')?.click();
    await shown.settle();
    expect(TestBed.inject(Router).url).toBe('/');
    expect(radio('All makers')?.checked).toBe(true);
  });
});
