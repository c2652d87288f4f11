import { provideHttpClient, withInterceptors } from '@angular/common/http';
import { TestBed } from '@angular/core/testing';
import type { Backend } from '../../testing/page';
import { fakeShop, settle } from '../../testing/page';
import { eur, productList } from '../../testing/samples';
import { DashboardStore } from './dashboard-store';

const day = (date: string, created: number) => ({ date, created, confirmed: 0, paid: 0, cancelled: 0, revenue: eur(0) });
const orders = { timeZone: 'UTC', days: [day('2026-01-30', 4), day('2026-01-31', 7)], total: day('', 11) };
const payments = { timeZone: 'UTC', days: [], failures: {}, total: { succeeded: 5, failed: 2, processing: 1, refunds: 0, capturedAmount: eur(1), refundedAmount: eur(0) } };

describe('the figures of the dashboard', () => {
  const make = async (backend: Backend) => {
    const { requests, interceptor } = fakeShop(backend);
    TestBed.configureTestingModule({ providers: [DashboardStore, provideHttpClient(withInterceptors([interceptor]))] });
    const store = TestBed.inject(DashboardStore);
    await settle();
    return { store, requests };
  };

  it('are those of today and yesterday, of seven days, and of what runs out', async () => {
    const { store, requests } = await make([
      [/orders/, { body: orders }],
      [/payments/, { body: payments }],
      [/stockBelow=6/, { body: { ...productList([]), total: 9 } }],
      [/stockBelow=1/, { body: { ...productList([]), total: 3 } }],
      [/funnel/, { body: { days: 7, timeZone: 'UTC', steps: [], sources: {} } }],
    ]);
    expect([store.today()?.created, store.yesterday()?.created, store.attempts(), store.low(), store.out()]).toEqual([7, 4, 8, 9, 3]);
    expect(requests.sent.every(({ url }) => url.includes('days=7') || url.includes('stockBelow='))).toBe(true);
    expect([store.isLoading(), store.error()]).toEqual([false, undefined]);
  });

  it('come without those of a service that is away', async () => {
    const { store } = await make([[/orders/, { body: orders }], [/payments/, { status: 503 }]]);
    expect([store.today()?.created, store.payments(), store.attempts(), store.low(), store.funnel()]).toEqual([7, null, 0, null, null]);
    expect(store.error()).toBeDefined();
  });

  it('are read again together', async () => {
    const { store, requests } = await make([]);
    expect([store.isLoading(), store.today()]).toEqual([false, null]);
    requests.answer = [[/orders/, { body: orders }], [/payments/, { body: payments }]];
    store.reload();
    await settle();
    expect([store.today()?.created, store.error(), requests.sent.length]).toEqual([7, undefined, 10]);
  });
});
