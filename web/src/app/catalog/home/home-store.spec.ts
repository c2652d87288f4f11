import { provideHttpClient, withInterceptors } from '@angular/common/http';
import { TestBed } from '@angular/core/testing';
import type { Backend } from '../../testing/page';
import { fakeShop, settle } from '../../testing/page';
import { product, productList } from '../../testing/samples';
import { HomeStore } from './home-store';

describe('the data of the home page', () => {
  const make = async (backend: Backend) => {
    const { requests, interceptor } = fakeShop(backend);
    TestBed.configureTestingModule({ providers: [HomeStore, provideHttpClient(withInterceptors([interceptor]))] });
    const store = TestBed.inject(HomeStore);
    await settle();
    return { store, requests };
  };
  const facet = (categoryId: number, parentId: number | null, count: number) => ({ categoryId, parentId, slug: `c${categoryId}`, name: `C${categoryId}`, count });

  it('is what sells best, what is new, and the departments that have something', async () => {
    const best = productList([product()]);
    best.facets.categories = [facet(1, null, 3), facet(2, 1, 3), facet(3, null, 0)];
    const { store, requests } = await make([[/sort=newest/, { body: productList([product({ productId: 12 })]) }], [/products/, { body: best }]]);
    expect(requests.sent.map(({ url }) => url)).toEqual(['/api/products?size=8', '/api/products?size=8&sort=newest']);
    expect(store.bestsellers()?.map(({ productId }) => productId)).toEqual([11]);
    expect(store.news()?.map(({ productId }) => productId)).toEqual([12]);
    expect(store.departments().map(({ categoryId }) => categoryId)).toEqual([1]);
    expect(store.total()).toBe(1);
  });

  it('keeps the failures of the two lists apart, and reads both again', async () => {
    const { store, requests } = await make([[/sort=newest/, { status: 503 }], [/products/, { body: productList([product()]) }]]);
    expect([store.error(), store.news(), store.bestsellers()?.length]).toEqual([undefined, null, 1]);
    expect(store.newsError()).toBeDefined();
    requests.answer = [[/products/, { body: productList([]) }]];
    store.reload();
    await settle();
    expect([store.newsError(), store.news(), store.bestsellers()]).toEqual([undefined, [], []]);
  });
});
