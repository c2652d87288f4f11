import { provideHttpClient, withInterceptors } from '@angular/common/http';
import { TestBed } from '@angular/core/testing';
import type { Order, TimelineEntry } from '../../api/types';
import { OrderFollow } from '../../stores/order-follow';
import type { Answer } from '../../testing/page';
import { fakeShop } from '../../testing/page';
import { NOW, eur, order, page, payment, step } from '../../testing/samples';
import { AdminOrderStore } from './admin-order-store';

async function open(shown: Order, timeline: TimelineEntry[] = [step('created')]) {
  sessionStorage.clear();
  const { requests, interceptor } = fakeShop([]);
  const answer = (now: Order, ...before: [RegExp, Answer][]) =>
    void (requests.answer = [...before, [/timeline/, { body: page(timeline) }], [/GET \/api\/payments/, { body: page([payment()]) }], [/GET \/api\/orders\/42$/, { body: now }]]);
  answer(shown);
  const follow = { start: vi.fn<(orderId: number, onStep: () => void) => void>(), end: vi.fn() };
  TestBed.configureTestingModule({ providers: [AdminOrderStore, provideHttpClient(withInterceptors([interceptor])), { provide: OrderFollow, useValue: follow }] });
  const store = TestBed.inject(AdminOrderStore);
  await store.open(42);
  return { store, requests, answer, follow };
}
const acts = ({ store }: { store: AdminOrderStore }) => [store.isShippable(), store.isDeliverable(), store.isCancellable()];

describe('an order in the back office', () => {
  it('allows what its state allows', async () => {
    for (const [change, allowed] of [
      [{ status: 'confirmed' }, [false, false, true]],
      [{ status: 'confirmed', paymentTerms: 'onDelivery' }, [true, false, true]],
      [{ status: 'paid', paidAt: NOW }, [true, false, true]],
      [{ status: 'shipped', shippedAt: NOW }, [false, true, false]],
      [{ status: 'delivered', shippedAt: NOW, deliveredAt: NOW }, [false, false, false]],
      [{ status: 'cancelled' }, [false, false, false]],
    ] as const) {
      TestBed.resetTestingModule();
      expect(acts(await open(order(change as Partial<Order>))), JSON.stringify(change)).toEqual(allowed);
    }
  });

  it('shows timeline and payments, and is followed beyond the steps that it had', async () => {
    const { store, requests, follow } = await open(order({ status: 'paid' }), [step('created'), step('confirmed')]);
    expect([store.timeline().length, store.payments().length]).toEqual([2, 1]);
    const before = requests.sent.length;
    const onStep = follow.start.mock.lastCall?.[1];
    // The stream begins with the past.
    onStep?.();
    onStep?.();
    expect(requests.sent).toHaveLength(before);
    onStep?.();
    await vi.waitFor(() => expect(requests.sent).toHaveLength(before + 3));
  });

  it('is shipped and delivered, and read again after each', async () => {
    const { store, requests, answer } = await open(order({ status: 'paid' }));
    answer(order({ status: 'shipped', shippedAt: NOW }), [/POST/, { body: {} }]);
    await store.ship('DHL', '0034');
    expect(requests.sent.find(({ method }) => method === 'POST')).toMatchObject({ url: '/api/orders/42/ship', body: { carrier: 'DHL', trackingNumber: '0034' } });
    expect([store.order()?.status, store.isBusy()]).toEqual(['shipped', false]);
    answer(order({ status: 'delivered', shippedAt: NOW, deliveredAt: NOW }), [/POST/, { body: {} }]);
    await store.deliver();
    expect(store.order()?.status).toBe('delivered');
  });

  it('is read again also when an act is refused', async () => {
    const { store, answer } = await open(order({ status: 'paid' }));
    answer(order({ status: 'cancelled' }), [/POST/, { status: 409, code: 'order.not_shippable' }]);
    await expect(store.ship('DHL', '0034')).rejects.toMatchObject({ status: 409 });
    expect([store.order()?.status, store.isBusy(), store.isShippable()]).toEqual(['cancelled', false, false]);
  });

  it('repeats a refund without an answer under the same key, and the next one under another', async () => {
    const { store, requests, answer } = await open(order({ status: 'paid' }));
    answer(order({ status: 'paid' }), [/POST/, { status: 503 }]);
    await expect(store.refund(payment(), eur(1000))).rejects.toMatchObject({ status: 503 });
    answer(order({ status: 'paid' }), [/POST/, { body: {} }]);
    await store.refund(payment(), eur(1000));
    await store.refund(payment(), eur(1000));
    const [lost, repeated, next] = requests.sent.filter(({ method }) => method === 'POST').map(({ headers }) => headers['Idempotency-Key']);
    expect(repeated).toBe(lost);
    expect(next).not.toBe(lost);
  });

  it('says that it does not exist', async () => {
    const { requests, interceptor } = fakeShop([]);
    TestBed.configureTestingModule({ providers: [AdminOrderStore, provideHttpClient(withInterceptors([interceptor])), { provide: OrderFollow, useValue: {} }] });
    const store = TestBed.inject(AdminOrderStore);
    await store.open(43);
    expect([store.failure()?.status, requests.sent.length]).toEqual([404, 3]);
  });
});
