import { provideHttpClient, withInterceptors } from '@angular/common/http';
import { TestBed } from '@angular/core/testing';
import { Router, provideRouter } from '@angular/router';
import { fakeShop, settle } from '../../testing/page';
import { order, page } from '../../testing/samples';
import { OrderListStore } from './order-list-store';

describe('the list of orders', () => {
  const make = async () => {
    const { requests, interceptor } = fakeShop([[/GET \/api\/orders/, { body: { ...page([order()]), total: 21 } }]]);
    TestBed.configureTestingModule({ providers: [OrderListStore, provideRouter([]), provideHttpClient(withInterceptors([interceptor]))] });
    const store = TestBed.inject(OrderListStore);
    await settle();
    return { store, requests, address: () => TestBed.inject(Router).url };
  };

  it('is read page by page', async () => {
    const { store, requests, address } = await make();
    expect([store.pages(), store.orders()?.[0]?.orderId]).toEqual([3, 42]);
    store.turn(2);
    await settle();
    expect([address(), store.page(), requests.sent.at(-1)?.url]).toEqual(['/?page=2', 2, '/api/orders?page=2&size=10']);
    store.turn(0);
    await settle();
    expect(address()).toBe('/');
  });

  it('starts at its first page when a status is chosen, which stands in the address', async () => {
    const { store, requests, address } = await make();
    store.turn(2);
    await settle();
    store.filter('paid');
    await settle();
    expect([address(), store.status(), requests.sent.at(-1)?.url]).toEqual(['/?status=paid', 'paid', '/api/orders?page=0&size=10&status=paid']);
    store.filter(null);
    await settle();
    expect(address()).toBe('/');
  });

  it('ignores what is no status and no page', async () => {
    const { store, requests } = await make();
    await TestBed.inject(Router).navigateByUrl('/?status=lost&page=-3');
    await settle();
    expect([store.status(), store.page(), requests.sent.at(-1)?.url]).toEqual([null, 0, '/api/orders?page=0&size=10']);
  });

  it('says what went wrong, and reads again', async () => {
    const { store, requests } = await make();
    requests.answer = [[/orders/, { status: 503 }]];
    store.reload();
    await settle();
    expect([store.orders(), store.error() === undefined]).toEqual([null, false]);
    requests.answer = [[/orders/, { body: page([]) }]];
    store.reload();
    await settle();
    expect([store.orders(), store.pages(), store.error()]).toEqual([[], 1, undefined]);
  });
});
