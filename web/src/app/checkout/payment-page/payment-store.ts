import { HttpClient } from '@angular/common/http';
import { DestroyRef, Injectable, computed, inject, signal } from '@angular/core';
import { firstValueFrom } from 'rxjs';
import { answered, keyFor } from '../../api/keys';
import type { Failure } from '../../api/problem';
import { failureOf } from '../../api/problem';
import type { Order, Page, Payment } from '../../api/types';
import { OrderFollow } from '../../stores/order-follow';

/** State of the payment of an order. */
export type PaymentState = 'loading' | 'failed' | 'waiting' | 'payable' | 'processing' | 'paid' | 'closed';

const POLL_MS = 3000;

/** The payment of one order: its attempts, a new one, and what the provider reports later. */
@Injectable()
export class PaymentStore {
  private readonly http = inject(HttpClient);
  private readonly follow = inject(OrderFollow);
  private readonly found = signal<Order | null>(null);
  private readonly attempts = signal<Payment[]>([]);
  private readonly loadFailure = signal<Failure | null>(null);
  private readonly payFailure = signal<Failure | null>(null);
  private readonly paying = signal(false);
  private timer: ReturnType<typeof setTimeout> | undefined;
  private orderId = 0;

  readonly order = this.found.asReadonly();
  readonly loadError = this.loadFailure.asReadonly();
  readonly payError = this.payFailure.asReadonly();
  readonly isPaying = this.paying.asReadonly();
  readonly failedAttempts = computed(() => this.attempts().filter((payment) => payment.status === 'failed'));
  readonly lastFailure = computed(() => {
    const newest = this.newest();
    return newest?.status === 'failed' ? (newest.failureCode ?? 'unknown') : null;
  });
  private readonly newest = computed(() => [...this.attempts()].sort((a, b) => a.paymentDate.localeCompare(b.paymentDate)).at(-1) ?? null);
  readonly state = computed<PaymentState>(() => {
    const order = this.found();
    if (this.loadFailure() && !order) return 'failed';
    if (!order) return 'loading';
    const payments = this.attempts();
    if (order.paidAt && order.status !== 'cancelled') return 'paid';
    if (order.status === 'cancelled') return 'closed';
    if (payments.some((payment) => payment.status === 'succeeded')) return 'paid';
    if (payments.some((payment) => payment.status === 'processing')) return 'processing';
    return order.status === 'created' ? 'waiting' : 'payable';
  });

  constructor() {
    inject(DestroyRef).onDestroy(() => clearTimeout(this.timer));
  }

  async open(orderId: number): Promise<void> {
    this.orderId = orderId;
    this.loadFailure.set(null);
    await this.refresh();
    if (this.state() === 'waiting' || this.state() === 'processing') this.watch();
  }

  async pay(token: string): Promise<void> {
    if (this.paying()) return;
    const body = { orderId: this.orderId, method: { type: 'card' as const, token } };
    const act = `payment.${this.orderId}`;
    this.paying.set(true);
    this.payFailure.set(null);
    try {
      const headers = { 'Idempotency-Key': keyFor(act, body) };
      const payment = await firstValueFrom(this.http.post<Payment>('/api/payments', body, { headers }));
      // A failed attempt is final: the next one needs a key of its own.
      answered(act);
      this.attempts.update((list) => [...list.filter((other) => other.paymentId !== payment.paymentId), payment]);
      if (payment.status === 'processing') this.watch();
    } catch (error) {
      const failure = failureOf(error);
      if (failure.status >= 400 && failure.status < 500 && failure.status !== 429 && failure.code !== 'idempotency_key.in_progress') answered(act);
      this.payFailure.set(failure);
      // The order may have changed: paid in another tab, or cancelled.
      if (failure.status === 409 || failure.status === 422) await this.refresh();
      if (this.state() === 'processing') this.watch();
    } finally {
      this.paying.set(false);
    }
  }

  private async refresh(): Promise<void> {
    try {
      const [order, payments] = await Promise.all([
        firstValueFrom(this.http.get<Order>(`/api/orders/${this.orderId}`)),
        firstValueFrom(this.http.get<Page<Payment>>('/api/payments', { params: { orderId: this.orderId, size: 100 } })),
      ]);
      this.found.set(order);
      this.attempts.set(payments.items);
      this.loadFailure.set(null);
    } catch (error) {
      this.loadFailure.set(failureOf(error));
    }
  }

  /** Follows the order until it is settled. A decline is no step of some orders, so the payments are read too. */
  private watch(): void {
    this.follow.start(this.orderId, () => void this.settle());
    this.poll();
  }

  private poll(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      void this.settle().then(() => {
        if (this.state() === 'waiting' || this.state() === 'processing') this.poll();
      });
    }, POLL_MS);
  }

  private async settle(): Promise<void> {
    await this.refresh();
    if (this.state() === 'waiting' || this.state() === 'processing') return;
    clearTimeout(this.timer);
    this.follow.end();
  }
}
