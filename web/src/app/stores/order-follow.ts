import { DestroyRef, Injectable, inject } from '@angular/core';
import { readStream } from '../api/stream';
import type { Order, TimelineEntry } from '../api/types';
import { Session } from '../session/session';

/** True if nothing more will happen to the order without a person's act. */
export function isFinal(order: Pick<Order, 'status' | 'paymentTerms' | 'paidAt'>): boolean {
  return order.status === 'cancelled' || (order.status === 'delivered' && (order.paymentTerms === 'prepaid' || !!order.paidAt));
}

/** Reads the steps of an order live while the page is visible. Provide it in the page. */
@Injectable()
export class OrderFollow {
  private readonly session = inject(Session);
  private reader: AbortController | null = null;
  private stop: (() => void) | null = null;

  constructor() {
    inject(DestroyRef).onDestroy(() => this.end());
  }

  /** Calls `onStep` for each step, also past ones, until `end` or the end of the page. */
  start(orderId: number, onStep: (entry: TimelineEntry, id: string | null) => void): void {
    this.end();
    let last: string | undefined;
    const listen = () => {
      this.reader?.abort();
      this.reader = null;
      if (document.visibilityState !== 'visible') return;
      const reader = new AbortController();
      this.reader = reader;
      void readStream({
        url: `/api/orders/${orderId}/stream`,
        token: () => this.session.token(),
        signal: reader.signal,
        lastEventId: last,
        onEvent: (event) => {
          last = event.id ?? last;
          onStep(JSON.parse(event.data) as TimelineEntry, event.id);
        },
      });
    };
    document.addEventListener('visibilitychange', listen);
    this.stop = () => document.removeEventListener('visibilitychange', listen);
    listen();
  }

  end(): void {
    this.stop?.();
    this.stop = null;
    this.reader?.abort();
    this.reader = null;
  }
}
