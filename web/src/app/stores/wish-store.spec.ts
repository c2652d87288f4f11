import { provideHttpClient } from '@angular/common/http';
import { HttpTestingController, provideHttpClientTesting } from '@angular/common/http/testing';
import { TestBed } from '@angular/core/testing';
import type { Wish } from '../api/types';
import { Session } from '../session/session';
import { CUSTOMER, fixedSession } from '../testing/page';
import { cart, cartItem, wish } from '../testing/samples';
import { CartStore } from './cart-store';
import { WishStore } from './wish-store';

const tick = () => new Promise((resolve) => setTimeout(resolve));
const list = (...items: Wish[]) => ({ items });

describe('the wishlist', () => {
  let store: WishStore;
  let http: HttpTestingController;

  beforeEach(async () => {
    sessionStorage.clear();
    TestBed.configureTestingModule({ providers: [provideHttpClient(), provideHttpClientTesting(), { provide: Session, useValue: fixedSession(CUSTOMER) }] });
    store = TestBed.inject(WishStore);
    http = TestBed.inject(HttpTestingController);
    TestBed.tick();
    await tick();
  });

  const read = async (...items: Wish[]) => {
    http.expectOne({ method: 'GET', url: '/api/wishlist' }).flush(list(...items));
    await tick();
  };

  it('knows what is on it', async () => {
    expect(store.isLoaded()).toBe(false);
    await read(wish());
    expect(store.isLoaded()).toBe(true);
    expect([store.has(wish().productId), store.has(99)]).toEqual([true, false]);
  });

  it('adds and removes with the answer of the shop', async () => {
    await read();
    const adding = store.add(99);
    const request = http.expectOne({ method: 'POST', url: '/api/wishlist' });
    expect(request.request.body).toEqual({ productId: 99 });
    request.flush(list(wish({ productId: 99 })));
    await adding;
    expect(store.has(99)).toBe(true);
    const removing = store.remove(99);
    http.expectOne({ method: 'DELETE', url: '/api/wishlist/99' }).flush(list());
    await removing;
    expect(store.has(99)).toBe(false);
  });

  it('moves an item to the cart', async () => {
    await read(wish({ productId: 99 }));
    const moving = store.moveToCart(99);
    http.expectOne({ method: 'POST', url: '/api/wishlist/99/move-to-cart' }).flush(cart([cartItem({ productId: 99, quantity: 1 })]));
    await tick();
    await read();
    await moving;
    expect(store.items()).toEqual([]);
    expect(TestBed.inject(CartStore).count()).toBe(1);
  });

  it('keeps what it shows when a change fails', async () => {
    await read(wish({ productId: 99 }));
    const removing = store.remove(99);
    http.expectOne({ method: 'DELETE', url: '/api/wishlist/99' }).flush({ code: 'store.unavailable' }, { status: 503, statusText: 'Unavailable' });
    await expect(removing).rejects.toBeDefined();
    expect(store.has(99)).toBe(true);
  });
});
