import { HttpClient } from '@angular/common/http';
import { Injectable, computed, inject, signal } from '@angular/core';
import { firstValueFrom } from 'rxjs';
import type { Failure } from '../../api/problem';
import { failureOf } from '../../api/problem';
import type { Order, Page, TimelineEntry } from '../../api/types';
import { CartStore } from '../../stores/cart-store';
import { OrderFollow, isFinal } from '../../stores/order-follow';

/** One order with its timeline, followed live until nothing more can happen. */
@Injectable()
export class OrderStore {
  private readonly http = inject(HttpClient);
  private readonly cart = inject(CartStore);
  private readonly follow = inject(OrderFollow);
  private readonly found = signal<Order | null>(null);
  private readonly entries = signal<TimelineEntry[]>([]);
  private readonly failed = signal<Failure | null>(null);
  private readonly acting = signal(false);
  private readonly live = signal(false);
  private orderId = 0;

  readonly order = this.found.asReadonly();
  readonly failure = this.failed.asReadonly();
  readonly isActing = this.acting.asReadonly();
  readonly isLive = this.live.asReadonly();
  readonly timeline = this.entries.asReadonly();
  readonly isCancellable = computed(() => ['created', 'confirmed'].includes(this.found()?.status ?? ''));
  readonly isPayable = computed(() => this.found()?.status === 'confirmed' && this.found()?.paymentTerms === 'prepaid');
  readonly tracking = computed(() => {
    const shipped = this.entries().find((entry) => entry.step === 'shipped')?.detail;
    return shipped?.trackingNumber ? { carrier: shipped.carrier ?? '', number: shipped.trackingNumber } : null;
  });

  async open(orderId: number): Promise<void> {
    this.orderId = orderId;
    this.failed.set(null);
    await this.refresh();
    const order = this.found();
    if (!order || isFinal(order)) return;
    this.live.set(true);
    const known = new Set(this.entries().map(keyOf));
    this.follow.start(orderId, (entry) => {
      if (known.has(keyOf(entry))) return;
      known.add(keyOf(entry));
      this.entries.update((entries) => [...entries, entry]);
      void this.refresh();
    });
  }

  async cancel(): Promise<void> {
    this.acting.set(true);
    try {
      this.found.set(await firstValueFrom(this.http.post<Order>(`/api/orders/${this.orderId}/cancel`, {})));
      await this.refresh();
      void this.cart.reload();
    } catch (error) {
      if (failureOf(error).status === 409) await this.refresh();
      throw error;
    } finally {
      this.acting.set(false);
    }
  }

  /** Adds the order's items to the cart. Returns the number of those that could not be added. */
  async buyAgain(): Promise<number> {
    this.acting.set(true);
    let missing = 0;
    try {
      for (const item of this.found()?.items ?? []) {
        try {
          await this.cart.add(item.productId, item.quantity);
        } catch (error) {
          const { status } = failureOf(error);
          if (status !== 404 && status !== 422) throw error;
          missing += 1;
        }
      }
    } finally {
      this.acting.set(false);
    }
    return missing;
  }

  private async refresh(): Promise<void> {
    try {
      const [order, timeline] = await Promise.all([
        firstValueFrom(this.http.get<Order>(`/api/orders/${this.orderId}`)),
        firstValueFrom(this.http.get<Page<TimelineEntry>>(`/api/orders/${this.orderId}/timeline`)),
      ]);
      this.found.set(order);
      this.entries.set(timeline.items);
      if (isFinal(order)) {
        this.follow.end();
        this.live.set(false);
      }
    } catch (error) {
      // A page that is there stays; the stream brings the next step.
      if (!this.found()) this.failed.set(failureOf(error));
    }
  }
}

function keyOf(entry: TimelineEntry): string {
  return `${entry.step} ${entry.at} ${entry.cause}`;
}
