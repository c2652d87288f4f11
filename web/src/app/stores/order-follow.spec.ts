import { TestBed } from '@angular/core/testing';
import { Session } from '../session/session';
import { CUSTOMER, fixedSession } from '../testing/page';
import { OrderFollow, isFinal } from './order-follow';

const tick = () => new Promise((resolve) => setTimeout(resolve, 5));

describe('following an order', () => {
  let requests: { url: string; lastEventId: string | null; signal: AbortSignal }[];
  let streams: ReadableStreamDefaultController<Uint8Array>[];
  let follow: OrderFollow;

  const show = (state: 'visible' | 'hidden') => {
    vi.spyOn(document, 'visibilityState', 'get').mockReturnValue(state);
    document.dispatchEvent(new Event('visibilitychange'));
  };
  const send = async (id: string, data: unknown) => {
    streams.at(-1)?.enqueue(new TextEncoder().encode(`id: ${id}\ndata: ${JSON.stringify(data)}\n\n`));
    await tick();
  };

  beforeEach(() => {
    requests = [];
    streams = [];
    vi.spyOn(document, 'visibilityState', 'get').mockReturnValue('visible');
    vi.stubGlobal('fetch', (url: string, options: RequestInit) => {
      const signal = options.signal!;
      requests.push({ url, lastEventId: new Headers(options.headers).get('Last-Event-ID'), signal });
      const body = new ReadableStream<Uint8Array>({ start: (stream) => void streams.push(stream) });
      return Promise.resolve(new Response(body));
    });
    TestBed.configureTestingModule({ providers: [OrderFollow, { provide: Session, useValue: fixedSession(CUSTOMER) }] });
    follow = TestBed.inject(OrderFollow);
  });
  afterEach(() => {
    follow.end();
    vi.restoreAllMocks();
    vi.unstubAllGlobals();
  });

  it('reports each step with its id', async () => {
    const steps: unknown[] = [];
    follow.start(42, (entry, id) => steps.push([entry.step, id]));
    await tick();
    expect(requests.map(({ url }) => url)).toEqual(['/api/orders/42/stream']);
    await send('1', { step: 'created' });
    await send('2', { step: 'confirmed' });
    expect(steps).toEqual([
      ['created', '1'],
      ['confirmed', '2'],
    ]);
  });

  it('stops while the page is hidden, and goes on after the last step', async () => {
    follow.start(42, () => undefined);
    await tick();
    await send('7', { step: 'paid' });
    show('hidden');
    expect(requests[0]?.signal.aborted).toBe(true);
    expect(requests).toHaveLength(1);
    show('visible');
    await tick();
    expect(requests).toHaveLength(2);
    expect(requests[1]?.lastEventId).toBe('7');
  });

  it('follows one order at a time, from its first step', async () => {
    follow.start(42, () => undefined);
    await tick();
    await send('7', { step: 'paid' });
    follow.start(43, () => undefined);
    await tick();
    expect(requests[0]?.signal.aborted).toBe(true);
    expect(requests[1]).toMatchObject({ url: '/api/orders/43/stream', lastEventId: null });
  });

  it('ends with its page', async () => {
    follow.start(42, () => undefined);
    await tick();
    TestBed.resetTestingModule();
    expect(requests[0]?.signal.aborted).toBe(true);
    show('visible');
    await tick();
    expect(requests).toHaveLength(1);
  });
});

describe('a final order', () => {
  it('is cancelled, or delivered and paid', () => {
    expect(isFinal({ status: 'cancelled', paymentTerms: 'prepaid' })).toBe(true);
    expect(isFinal({ status: 'delivered', paymentTerms: 'prepaid' })).toBe(true);
    expect(isFinal({ status: 'delivered', paymentTerms: 'onDelivery' })).toBe(false);
    expect(isFinal({ status: 'delivered', paymentTerms: 'onDelivery', paidAt: '2026-01-31T12:00:00Z' })).toBe(true);
    expect(isFinal({ status: 'shipped', paymentTerms: 'prepaid' })).toBe(false);
  });
});
