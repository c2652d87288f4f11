import { provideHttpClient } from '@angular/common/http';
import { HttpTestingController, provideHttpClientTesting } from '@angular/common/http/testing';
import { TestBed } from '@angular/core/testing';
import { product, productList } from '../testing/samples';
import { ProductPictures } from './product-pictures';

const tick = () => new Promise((resolve) => setTimeout(resolve));

describe('pictures of products', () => {
  let pictures: ProductPictures;
  let http: HttpTestingController;

  const show = (ids: number[]) => {
    pictures.show(ids);
    TestBed.tick();
  };

  beforeEach(() => {
    TestBed.configureTestingModule({ providers: [ProductPictures, provideHttpClient(), provideHttpClientTesting()] });
    pictures = TestBed.inject(ProductPictures);
    http = TestBed.inject(HttpTestingController);
  });

  it('reads nothing before there are products to show', () => {
    TestBed.tick();
    http.expectNone(() => true);
    expect(pictures.byId().size).toBe(0);
  });

  it('reads each product once, and knows which has no picture or is gone', async () => {
    show([11, 12, 11, 13]);
    http.expectOne('/api/products?ids=11,12,13').flush(productList([product({ productId: 11, imageUrl: '/pictures/k.avif' }), product({ productId: 12, imageUrl: null })]));
    await tick();
    expect([...pictures.byId()]).toEqual([
      [11, '/pictures/k.avif'],
      [12, null],
    ]);
    // The same products in a new list.
    show([11, 12, 13]);
    http.expectNone(() => true);
  });

  it('asks for no more products than the API takes, and survives an answer that does not come', async () => {
    show(Array.from({ length: 150 }, (_, i) => i + 1));
    const request = http.expectOne(({ url }) => url === '/api/products');
    expect(request.request.params.get('ids')?.split(',')).toHaveLength(100);
    request.flush({ code: 'store.unavailable' }, { status: 503, statusText: '' });
    await tick();
    expect(pictures.byId().size).toBe(0);
  });
});
