import type { StreamEvent } from './stream';
import { readStream } from './stream';

/** A response that sends `text` and ends. */
const sending = (text: string) => new Response(text, { status: 200 });

describe('readStream', () => {
  it('reconnects after its last event, with growing pauses, until the shop refuses', async () => {
    const events: StreamEvent[] = [];
    const sent: Record<string, string>[] = [];
    const pauses: number[] = [];
    const answers = [() => sending('id: 1\nevent: created\ndata: {}\n\n'), () => Promise.reject(new TypeError('offline')), () => new Response(null, { status: 503 }), () => sending('id: 2\nevent: paid\ndata: {}\n\n'), () => new Response(null, { status: 404 })];
    await readStream({
      url: '/api/orders/1/stream',
      token: () => Promise.resolve('t'),
      signal: new AbortController().signal,
      onEvent: (event) => events.push(event),
      fetch: ((_url: string, init: RequestInit) => {
        sent.push(init.headers as Record<string, string>);
        return Promise.resolve(answers.shift()!());
      }) as unknown as typeof fetch,
      wait: (seconds) => {
        pauses.push(seconds);
        return Promise.resolve();
      },
    });
    expect(events.map((event) => event.event)).toEqual(['created', 'paid']);
    expect(sent.map((headers) => headers['Last-Event-ID'])).toEqual([undefined, '1', '1', '1', '2']);
    expect(sent[0]?.['Authorization']).toBe('Bearer t');
    expect(pauses).toEqual([1, 2, 4, 1]);
  });

  it('ends when it is aborted', async () => {
    const abort = new AbortController();
    const reading = readStream({
      url: '/x',
      token: () => Promise.resolve(null),
      signal: abort.signal,
      onEvent: () => undefined,
      fetch: ((_: string, init: RequestInit) => new Promise((_resolve, reject) => init.signal?.addEventListener('abort', () => reject(new DOMException('', 'AbortError'))))) as unknown as typeof fetch,
    });
    await Promise.resolve();
    abort.abort();
    await reading;
  });
});
