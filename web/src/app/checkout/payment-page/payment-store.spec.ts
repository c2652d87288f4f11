import { provideHttpClient, withInterceptors } from '@angular/common/http';
import { TestBed } from '@angular/core/testing';
import { OrderFollow } from '../../stores/order-follow';
import { fakeShop } from '../../testing/page';
import { order, page, payment } from '../../testing/samples';
import { PaymentStore } from './payment-store';

async function open(...payments: ReturnType<typeof payment>[]) {
  const { requests, interceptor } = fakeShop([[/GET \/api\/orders\/42/, { body: order() }], [/GET \/api\/payments/, { body: page(payments) }]]);
  const follow = { start: vi.fn(), end: vi.fn() };
  TestBed.configureTestingModule({ providers: [PaymentStore, provideHttpClient(withInterceptors([interceptor])), { provide: OrderFollow, useValue: follow }] });
  const store = TestBed.inject(PaymentStore);
  await store.open(42);
  return { store, requests, follow };
}
const keys = (requests: Awaited<ReturnType<typeof open>>['requests']) => requests.sent.filter(({ method }) => method === 'POST').map(({ headers }) => headers['Idempotency-Key']);

describe('the payment of an order', () => {
  beforeEach(() => sessionStorage.clear());

  it('starts payable', async () => expect((await open()).store.state()).toBe('payable'));

  it('says why a card was declined, and takes a new key for the next one', async () => {
    const { store, requests } = await open();
    requests.answer = [[/POST/, { body: payment({ status: 'failed', failureCode: 'card_declined' }) }], ...requests.answer];
    await store.pay('tok_declined');
    expect([store.state(), store.lastFailure()]).toEqual(['payable', 'card_declined']);
    requests.answer = [[/POST/, { body: payment({ paymentId: 10, paymentDate: '2026-01-31T12:01:00.000Z' }) }]];
    await store.pay('tok_declined');
    expect(store.state()).toBe('paid');
    const [first, second] = keys(requests);
    expect(first).not.toBe(second);
  });

  it('uses the same key again when no answer came', async () => {
    const { store, requests } = await open();
    requests.answer = [[/POST/, { status: 503 }], ...requests.answer];
    await store.pay('tok_visa');
    await store.pay('tok_visa');
    const [first, second] = keys(requests);
    expect(first).toBe(second);
  });

  it('follows one that is processing, also after a reload', async () => {
    const { store, follow } = await open(payment({ status: 'processing' }));
    expect(store.state()).toBe('processing');
    expect(follow.start).toHaveBeenCalledTimes(1);
  });

  it('knows that it was paid in another tab', async () => {
    const { store, requests } = await open();
    requests.answer = [[/POST/, { status: 409, code: 'payment.already_paid' }], [/orders/, { body: order({ status: 'paid', paidAt: '2026-01-31T12:00:00.000Z' }) }], [/payments/, { body: page([payment()]) }]];
    await store.pay('tok_visa');
    expect(store.state()).toBe('paid');
  });
});
