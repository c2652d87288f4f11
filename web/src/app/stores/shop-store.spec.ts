import { provideHttpClient } from '@angular/common/http';
import { HttpTestingController, provideHttpClientTesting } from '@angular/common/http/testing';
import { TestBed } from '@angular/core/testing';
import { category, shopFacts } from '../testing/samples';
import { ShopStore, treeOf } from './shop-store';

describe('treeOf', () => {
  it('nests categories by position, then name', () => {
    const list = [category({ categoryId: 1, name: 'B', position: 1 }), category({ categoryId: 2, name: 'A', position: 1 }), category({ categoryId: 3, name: 'Z', position: 0 }), category({ categoryId: 4, parentId: 2, name: 'Child' })];
    expect(treeOf(list).map((node) => [node.name, node.children.map((child) => child.name)])).toEqual([['Z', []], ['A', ['Child']], ['B', []]]);
  });

  it('keeps a category whose parent is missing', () => {
    expect(treeOf([category({ categoryId: 4, parentId: 99 })])).toHaveLength(1);
  });
});

describe('the facts of the shop', () => {
  const open = () => {
    TestBed.configureTestingModule({ providers: [provideHttpClient(), provideHttpClientTesting()] });
    return { shop: TestBed.inject(ShopStore), http: TestBed.inject(HttpTestingController) };
  };
  const tick = () => new Promise((resolve) => setTimeout(resolve));

  afterEach(() => document.querySelector('meta[property="og:site_name"]')?.remove());

  it('are read once; the page has the name before', async () => {
    document.head.insertAdjacentHTML('beforeend', '<meta property="og:site_name" content="Bazaar">');
    const { shop, http } = open();
    expect(shop.name()).toBe('Bazaar');
    void shop.loadFacts();
    void shop.loadFacts();
    http.expectOne('/api/shop').flush(shopFacts({ name: 'Souk', currency: 'CHF', sendsMail: true }));
    await tick();
    expect([shop.name(), shop.currency(), shop.facts()?.testClock]).toEqual(['Souk', 'CHF', true]);
    await shop.loadFacts();
    http.verify();
  });

  it('are read again after a failure, and while a service is away', async () => {
    const { shop, http } = open();
    void shop.loadFacts();
    http.expectOne('/api/shop').flush({}, { status: 503, statusText: 'away' });
    await tick();
    expect(shop.facts()).toBeNull();
    void shop.loadFacts();
    http.expectOne('/api/shop').flush(shopFacts({ paymentProvider: null }));
    await tick();
    void shop.loadFacts();
    http.expectOne('/api/shop').flush(shopFacts());
    await tick();
    expect(shop.facts()?.paymentProvider).toBe('sandbox');
  });
});
