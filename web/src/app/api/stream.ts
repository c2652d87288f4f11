import { createParser } from 'eventsource-parser';

export interface StreamEvent {
  id: string | null;
  event: string | null;
  data: string;
}

export interface StreamOptions {
  url: string;
  /** Returns the access token for each connection. */
  token: () => Promise<string | null>;
  onEvent: (event: StreamEvent) => void;
  signal: AbortSignal;
  lastEventId?: string;
  fetch?: typeof fetch;
  /** Waits between connections; resolves early if aborted. */
  wait?: (seconds: number) => Promise<void>;
}

/**
 * Reads server-sent events with an Authorization header, until aborted. Reconnects after 1, 2, 4 … 30 s with
 * `Last-Event-ID`; ends for good on 401, 403 and 404.
 */
export async function readStream(options: StreamOptions): Promise<void> {
  const { signal, onEvent } = options;
  const request = options.fetch ?? fetch.bind(globalThis);
  const wait = options.wait ?? ((seconds) => sleep(seconds, signal));
  let lastId = options.lastEventId ?? null;
  let failures = 0;
  while (!signal.aborted) {
    try {
      const token = await options.token();
      const headers: Record<string, string> = { Accept: 'text/event-stream' };
      if (token) headers['Authorization'] = `Bearer ${token}`;
      if (lastId) headers['Last-Event-ID'] = lastId;
      const response = await request(options.url, { headers, signal, cache: 'no-store' });
      if ([401, 403, 404].includes(response.status)) return;
      if (response.ok && response.body) {
        const parser = createParser({
          onEvent: (event) => {
            failures = 0;
            if (event.id) lastId = event.id;
            onEvent({ id: event.id ?? null, event: event.event ?? null, data: event.data });
          },
        });
        const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
        for (let part = await reader.read(); !part.done; part = await reader.read()) parser.feed(part.value);
      }
    } catch (error) {
      if (signal.aborted) return;
      // A broken connection: the loop reconnects. Anything else is a fault of the program.
      if (!(error instanceof TypeError || error instanceof DOMException)) throw error;
    }
    if (signal.aborted) return;
    await wait(Math.min(30, 2 ** failures));
    failures += 1;
  }
}

function sleep(seconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, seconds * 1000);
    signal.addEventListener('abort', done, { once: true });
    function done() {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    }
  });
}
