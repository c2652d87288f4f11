import { provideHttpClient, withInterceptors } from '@angular/common/http';
import { TestBed } from '@angular/core/testing';
import { Session } from '../../session/session';
import { CartStore } from '../../stores/cart-store';
import { CUSTOMER, fakeShop, fixedSession } from '../../testing/page';
import { cart, cartItem, order } from '../../testing/samples';
import { CheckoutStore } from './checkout-store';

const { shippingAddress } = order();

describe('placing an order', () => {
  let requests: ReturnType<typeof fakeShop>['requests'];
  let store: CheckoutStore;

  beforeEach(async () => {
    sessionStorage.clear();
    const shop = fakeShop([[/GET \/api\/cart/, { body: cart([cartItem()]) }]]);
    requests = shop.requests;
    TestBed.configureTestingModule({ providers: [CheckoutStore, provideHttpClient(withInterceptors([shop.interceptor])), { provide: Session, useValue: fixedSession(CUSTOMER) }] });
    const carts = TestBed.inject(CartStore);
    TestBed.tick();
    await carts.reload();
    store = TestBed.inject(CheckoutStore);
  });
  const posts = () => requests.sent.filter(({ method }) => method === 'POST');

  it('waits for the stock, and returns the order', async () => {
    requests.answer = [[/POST/, { body: order() }], ...requests.answer];
    expect(await store.place(shippingAddress, 'prepaid')).toMatchObject({ orderId: 42 });
    expect(posts()[0]?.headers).toMatchObject({ Prefer: 'wait=5' });
    expect(sessionStorage.length).toBe(0);
  });

  it('names what was refused', async () => {
    requests.answer = [[/POST/, { body: order({ status: 'cancelled', refusedLines: [{ productId: 11, requested: 2, available: 1 }] }) }], ...requests.answer];
    expect(await store.place(shippingAddress, 'prepaid')).toBeNull();
    expect(store.refusals()).toEqual([{ name: 'Kettle', requested: 2, available: 1 }]);
  });

  it('keeps its key until an answer came', async () => {
    requests.answer = [[/POST/, { status: 503, retryAfter: 3 }], ...requests.answer];
    await store.place(shippingAddress, 'prepaid');
    expect(store.failure()?.retryAfter).toBe(3);
    await store.place(shippingAddress, 'prepaid');
    expect(posts()[0]?.headers['Idempotency-Key']).toBe(posts()[1]?.headers['Idempotency-Key']);
  });
});
