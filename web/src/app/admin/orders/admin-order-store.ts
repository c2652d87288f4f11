import { HttpClient } from '@angular/common/http';
import { Injectable, computed, inject, signal } from '@angular/core';
import type { Observable } from 'rxjs';
import { firstValueFrom } from 'rxjs';
import { answered, keyFor } from '../../api/keys';
import type { Failure } from '../../api/problem';
import { failureOf } from '../../api/problem';
import type { Money, Order, Page, Payment, TimelineEntry } from '../../api/types';
import { OrderFollow, isFinal } from '../../stores/order-follow';

/** One order with its timeline and payments, as an admin sees it. */
@Injectable()
export class AdminOrderStore {
  private readonly http = inject(HttpClient);
  private readonly follow = inject(OrderFollow);
  private readonly found = signal<Order | null>(null);
  private readonly entries = signal<TimelineEntry[]>([]);
  private readonly paid = signal<Payment[]>([]);
  private readonly failed = signal<Failure | null>(null);
  private readonly busy = signal(false);
  private orderId = 0;

  readonly order = this.found.asReadonly();
  readonly timeline = this.entries.asReadonly();
  readonly payments = this.paid.asReadonly();
  readonly failure = this.failed.asReadonly();
  readonly isBusy = this.busy.asReadonly();
  readonly isShippable = computed(() => {
    const order = this.found();
    return order?.status === 'paid' ? !order.shippedAt : order?.status === 'confirmed' && order.paymentTerms === 'onDelivery';
  });
  readonly isDeliverable = computed(() => {
    const order = this.found();
    return !!order?.shippedAt && !order.deliveredAt && order.status !== 'cancelled';
  });
  readonly isCancellable = computed(() => {
    const order = this.found();
    return !!order && !order.shippedAt && ['created', 'confirmed', 'paid'].includes(order.status);
  });

  async open(orderId: number): Promise<void> {
    this.orderId = orderId;
    this.failed.set(null);
    await this.refresh();
    const order = this.found();
    let known = this.entries().length;
    let seen = 0;
    if (!order || isFinal(order)) return;
    this.follow.start(orderId, () => {
      seen += 1;
      if (seen <= known) return;
      known = seen;
      void this.refresh();
    });
  }

  ship(carrier: string, trackingNumber: string): Promise<void> {
    return this.act(this.http.post(`/api/orders/${this.orderId}/ship`, { carrier, trackingNumber }));
  }

  deliver(): Promise<void> {
    return this.act(this.http.post(`/api/orders/${this.orderId}/deliver`, {}));
  }

  cancel(): Promise<void> {
    return this.act(this.http.post(`/api/orders/${this.orderId}/cancel`, {}));
  }

  async refund(payment: Payment, amount: Money): Promise<void> {
    const body = { amount };
    const act = `refund.${payment.paymentId}`;
    await this.act(this.http.post(`/api/payments/${payment.paymentId}/refund`, body, { headers: { 'Idempotency-Key': keyFor(act, body) } }));
    answered(act);
  }

  private async act(call: Observable<unknown>): Promise<void> {
    this.busy.set(true);
    try {
      await firstValueFrom(call);
    } finally {
      await this.refresh();
      this.busy.set(false);
    }
  }

  private async refresh(): Promise<void> {
    try {
      const [order, timeline, payments] = await Promise.all([
        firstValueFrom(this.http.get<Order>(`/api/orders/${this.orderId}`)),
        firstValueFrom(this.http.get<Page<TimelineEntry>>(`/api/orders/${this.orderId}/timeline`)),
        firstValueFrom(this.http.get<Page<Payment>>('/api/payments', { params: { orderId: this.orderId, size: 100 } })),
      ]);
      this.found.set(order);
      this.entries.set(timeline.items);
      this.paid.set(payments.items);
    } catch (error) {
      if (!this.found()) this.failed.set(failureOf(error));
    }
  }
}
