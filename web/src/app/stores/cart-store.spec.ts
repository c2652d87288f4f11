import { provideHttpClient } from '@angular/common/http';
import { HttpTestingController, provideHttpClientTesting } from '@angular/common/http/testing';
import { TestBed } from '@angular/core/testing';
import { Session } from '../session/session';
import { CUSTOMER, fixedSession } from '../testing/page';
import { cart, cartItem } from '../testing/samples';
import { CartStore, isOrderable } from './cart-store';

const tick = () => new Promise((resolve) => setTimeout(resolve));

describe('the cart', () => {
  let store: CartStore;
  let http: HttpTestingController;

  beforeEach(async () => {
    sessionStorage.clear();
    TestBed.configureTestingModule({ providers: [provideHttpClient(), provideHttpClientTesting(), { provide: Session, useValue: fixedSession(CUSTOMER) }] });
    store = TestBed.inject(CartStore);
    http = TestBed.inject(HttpTestingController);
    TestBed.tick();
    await tick();
  });

  it('counts active items only, and knows the clock of the shop', () => {
    http.expectOne('/api/cart').flush(cart([cartItem(), cartItem({ cartItemId: 'c2', state: 'purchased', quantity: 9 })]));
    return tick().then(() => {
      expect(store.count()).toBe(2);
      expect(store.clockOffset()).not.toBe(0);
    });
  });

  it('takes the answer of a change over a read that was under way', async () => {
    const read = http.expectOne('/api/cart');
    const change = store.setQuantity(cartItem(), 5);
    http.expectOne({ method: 'PATCH', url: '/api/cart/items/c1' }).flush(cart([cartItem({ quantity: 5 })]));
    await change;
    read.flush(cart([cartItem({ quantity: 2 })]));
    await tick();
    expect(store.count()).toBe(5);
  });

  it('sends one key per addition, and reads the cart again when an item is gone', async () => {
    http.expectOne('/api/cart').flush(cart([]));
    const adding = store.add(11, 1);
    await tick();
    const request = http.expectOne({ method: 'POST', url: '/api/cart' });
    expect(request.request.headers.get('Idempotency-Key')).toBeTruthy();
    request.flush(cart([cartItem()]));
    await adding;
    expect(sessionStorage.length).toBe(0);
    const removing = store.remove(cartItem());
    http.expectOne({ method: 'DELETE', url: '/api/cart/items/c1' }).flush({ code: 'cart.item_not_found' }, { status: 404, statusText: '' });
    await expect(removing).rejects.toThrow();
    await tick();
    http.expectOne('/api/cart').flush(cart([]));
    await tick();
    expect(store.count()).toBe(0);
  });

  it('keeps the message of a read that failed', async () => {
    http.expectOne('/api/cart').flush(null, { status: 503, statusText: '' });
    await tick();
    expect(store.failure()?.status).toBe(503);
  });

  it('knows which items can be ordered', () => {
    expect(isOrderable(cartItem())).toBe(true);
    expect(isOrderable(cartItem({ available: false }))).toBe(false);
    expect(isOrderable(cartItem({ stock: 1 }))).toBe(false);
  });
});
