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
    const labels = () => [...shown.element.querySelectorAll('label:has([type="checkbox"])')].map((label) => label.textContent.replace(/\s+/g, ' ').trim());
    return { shown, labels, radio: (name: string) => [...shown.element.querySelectorAll('label')].find((label) => label.textContent.includes(name))?.querySelector('input') };
  };

  it('shows the most frequent with their numbers, and the rest on request', async () => {
    const { shown, labels } = await show();
    expect(labels()).toHaveLength(9);
    expect(labels().slice(1, 3)).toEqual(['Maker 1 20', 'Maker 2 19']);
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
    expect(radio('Maker 2')?.checked).toBe(false);
  });
});

describe('the filter by options', () => {
  const value = (text: string, count: number) => ({ value: text, count });
  const options = [
    { name: 'Colour', values: [value('Blue', 2), value('Red', 1)] },
    { name: 'Material', values: [value('Oak', 1)] },
    { name: 'Size', values: Array.from({ length: 12 }, (_, i) => value(`${i + 1} cm`, 3)) },
  ];
  const show = async () => {
    const list = productList([product()]);
    const shown = await showPage(CatalogPage, [[/GET \/api\/products/, { body: { ...list, facets: { ...list.facets, options } } }]], { inputs: { slug: undefined } });
    const group = (name: string) => [...shown.element.querySelectorAll('fieldset')].find((set) => set.querySelector('legend')?.textContent === name);
    const box = (name: string, label: string) =>
      [...(group(name)?.querySelectorAll('label') ?? [])].find((one) => one.textContent.includes(label))?.querySelector('input');
    return { shown, group, box };
  };

  it('has those that have a choice, with the first values and the rest on request', async () => {
    const { shown, group } = await show();
    expect(group('Material')).toBeUndefined();
    expect(group('Size')?.querySelectorAll('input')).toHaveLength(6);
    group('Size')?.querySelector('button')?.click();
    await shown.settle();
    expect(group('Size')?.querySelectorAll('input')).toHaveLength(12);
  });

  it('adds values, stands in the address, and is removed value by value', async () => {
    const { shown, box } = await show();
    box('Colour', 'Red')?.click();
    await shown.settle();
    box('Colour', 'Blue')?.click();
    await shown.settle();
    expect(shown.requests.sent.at(-1)?.url).toBe('/api/products?option.Colour=Red&option.Colour=Blue&size=24');
    shown.element.querySelector<HTMLButtonElement>('[aria-label="Remove filter: Colour: Red"]')?.click();
    await shown.settle();
    expect(TestBed.inject(Router).url).toBe('/?option.Colour=Blue');
    shown.element.querySelector<HTMLButtonElement>('[aria-label="Remove filter: Colour: Blue"]')?.click();
    await shown.settle();
    expect(TestBed.inject(Router).url).toBe('/');
    expect(box('Colour', 'Red')?.checked).toBe(false);
  });
});

describe('a typo', () => {
  it('is told above the list', async () => {
    const list = { ...productList([product()]), corrected: 'kettle' };
    const shown = await showPage(CatalogPage, [[/GET \/api\/products/, { body: list }]], { inputs: { slug: undefined } });
    expect(shown.element.querySelector('.page-head')?.textContent).toContain('Showing what was found for “kettle”.');
  });
});
