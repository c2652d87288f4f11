import { HttpErrorResponse, provideHttpClient, withInterceptors } from '@angular/common/http';
import { TestBed } from '@angular/core/testing';
import type { Order, TimelineEntry } from '../../api/types';
import { CartStore } from '../../stores/cart-store';
import { OrderFollow } from '../../stores/order-follow';
import { fakeShop } from '../../testing/page';
import type { Answer } from '../../testing/page';
import { NOW, order, page, step } from '../../testing/samples';
import { OrderStore } from './order-store';

const http = (status: number) => new HttpErrorResponse({ status });

async function open(shown: Order, timeline: TimelineEntry[], refusals: (Error | null)[] = []) {
  const { requests, interceptor } = fakeShop([]);
  const answer = (now: Order, entries: TimelineEntry[], ...before: [RegExp, Answer][]) =>
    void (requests.answer = [...before, [/timeline/, { body: page(entries) }], [/GET \/api\/orders\/42$/, { body: now }]]);
  answer(shown, timeline);
  const follow = { start: vi.fn<(orderId: number, onStep: (entry: TimelineEntry) => void) => void>(), end: vi.fn() };
  const add = vi.fn<(productId: number, quantity: number) => Promise<void>>(() => {
    const refusal = refusals.shift();
    return refusal ? Promise.reject(refusal) : Promise.resolve();
  });
  const cart = { reload: vi.fn(), add };
  TestBed.configureTestingModule({
    providers: [OrderStore, provideHttpClient(withInterceptors([interceptor])), { provide: OrderFollow, useValue: follow }, { provide: CartStore, useValue: cart }],
  });
  const store = TestBed.inject(OrderStore);
  await store.open(42);
  return { store, requests, answer, follow, cart, onStep: (entry: TimelineEntry) => follow.start.mock.lastCall?.[1](entry) };
}

describe('an order of a customer', () => {
  it('can be paid and cancelled while it waits for payment', async () => {
    const { store } = await open(order(), [step('created'), step('confirmed')]);
    expect([store.isPayable(), store.isCancellable(), store.isLive()]).toEqual([true, true, true]);
  });

  it('is not followed once nothing more can happen', async () => {
    const { store, follow } = await open(order({ status: 'cancelled' }), [step('cancelled')]);
    expect([store.isPayable(), store.isCancellable(), store.isLive()]).toEqual([false, false, false]);
    expect(follow.start).not.toHaveBeenCalled();
  });

  it('shows a step that is new, once, and reads the order again', async () => {
    const { store, requests, answer, onStep } = await open(order(), [step('created'), step('confirmed')]);
    const before = requests.sent.length;
    onStep(step('created'));
    expect(requests.sent).toHaveLength(before);
    const shipped = step('shipped', { carrier: 'DHL', trackingNumber: '0034' } as never);
    answer(order({ status: 'shipped', shippedAt: NOW }), [step('created'), step('confirmed'), shipped]);
    onStep(shipped);
    onStep(shipped);
    await vi.waitFor(() => expect(store.order()?.status).toBe('shipped'));
    expect(store.timeline().map((entry) => entry.step)).toEqual(['created', 'confirmed', 'shipped']);
    expect(store.tracking()).toEqual({ carrier: 'DHL', number: '0034' });
    expect(requests.sent).toHaveLength(before + 2);
  });

  it('ends its stream with the last step', async () => {
    const { store, answer, follow, onStep } = await open(order(), [step('created')]);
    answer(order({ status: 'cancelled' }), [step('created'), step('cancelled')]);
    onStep(step('cancelled'));
    await vi.waitFor(() => expect(store.isLive()).toBe(false));
    expect(follow.end).toHaveBeenCalled();
  });

  it('stays on the page when it cannot be read again', async () => {
    const { store, requests, onStep } = await open(order(), [step('created')]);
    requests.answer = [[/.*/, { status: 503 }]];
    onStep(step('confirmed'));
    await new Promise((resolve) => setTimeout(resolve, 10));
    expect([store.order()?.orderId, store.failure()]).toEqual([42, null]);
  });

  it('says that it does not exist', async () => {
    const { interceptor } = fakeShop([]);
    TestBed.configureTestingModule({
      providers: [OrderStore, provideHttpClient(withInterceptors([interceptor])), { provide: OrderFollow, useValue: {} }, { provide: CartStore, useValue: {} }],
    });
    const store = TestBed.inject(OrderStore);
    await store.open(43);
    expect([store.order(), store.failure()?.status]).toEqual([null, 404]);
  });

  it('is cancelled, and what it held is in the cart again', async () => {
    const { store, answer, cart } = await open(order(), [step('created')]);
    const cancelled = order({ status: 'cancelled' });
    answer(cancelled, [step('created'), step('cancelled')], [/POST \/api\/orders\/42\/cancel/, { body: cancelled }]);
    await store.cancel();
    expect([store.order()?.status, store.isActing()]).toEqual(['cancelled', false]);
    expect(cart.reload).toHaveBeenCalledTimes(1);
  });

  it('is read again when it can no longer be cancelled', async () => {
    const { store, answer } = await open(order(), [step('created')]);
    answer(order({ status: 'shipped' }), [step('shipped')], [/POST/, { status: 409, code: 'order.not_cancellable' }]);
    await expect(store.cancel()).rejects.toMatchObject({ status: 409 });
    expect([store.order()?.status, store.isCancellable(), store.isActing()]).toEqual(['shipped', false, false]);
  });

  it('is bought again, without what is no longer sold', async () => {
    const items = [1, 2, 3].map((productId) => ({ orderItemId: productId, productId, name: 'x', quantity: productId, price: { amount: 1, currency: 'EUR' } }));
    const { store, cart } = await open(order({ items }), [], [null, http(404), http(422)]);
    expect(await store.buyAgain()).toBe(2);
    expect(cart.add.mock.calls).toEqual([[1, 1], [2, 2], [3, 3]]);
  });

  it('is not bought again while the cart is away', async () => {
    const { store } = await open(order(), [], [http(503)]);
    await expect(store.buyAgain()).rejects.toMatchObject({ status: 503 });
    expect(store.isActing()).toBe(false);
  });
});
