import { HttpClient } from '@angular/common/http';
import { Injectable, inject, signal } from '@angular/core';
import { firstValueFrom } from 'rxjs';
import { answered, keyFor } from '../../api/keys';
import type { Failure } from '../../api/problem';
import { failureOf } from '../../api/problem';
import type { Order, Page, ShippingAddress } from '../../api/types';
import { CartStore } from '../../stores/cart-store';

const ACT = 'order';
const WAIT_SECONDS = 5;

export type PaymentTerms = Order['paymentTerms'];
export interface Refusal {
  name: string;
  requested: number;
  available: number;
}

/** Places the order for what is in the cart. */
@Injectable()
export class CheckoutStore {
  private readonly http = inject(HttpClient);
  private readonly cart = inject(CartStore);
  private readonly placing = signal(false);
  private readonly failed = signal<Failure | null>(null);
  private readonly refusedLines = signal<Refusal[] | null>(null);

  readonly isPlacing = this.placing.asReadonly();
  readonly failure = this.failed.asReadonly();
  /** Lines that were out of stock when the order was placed; nothing was ordered then. */
  readonly refusals = this.refusedLines.asReadonly();

  /** The address of the customer's last order; `null` without one. */
  async lastAddress(): Promise<ShippingAddress | null> {
    try {
      const page = await firstValueFrom(this.http.get<Page<Order>>('/api/orders', { params: { size: 1 } }));
      return page.items[0]?.shippingAddress ?? null;
    } catch {
      // A convenience only: the form stays empty.
      return null;
    }
  }

  /** Returns the order, or `null` if it was refused or failed. */
  async place(shippingAddress: ShippingAddress, paymentTerms: PaymentTerms): Promise<Order | null> {
    if (this.placing()) return null;
    this.placing.set(true);
    this.failed.set(null);
    this.refusedLines.set(null);
    const names = new Map(this.cart.active().map((item) => [item.productId, item.name]));
    const body = { shippingAddress, paymentTerms };
    const lines = this.cart.active().map(({ cartItemId, quantity }) => [cartItemId, quantity]);
    // Another cart is another order, also with the same address.
    const headers = { 'Idempotency-Key': keyFor(ACT, [body, lines]), Prefer: `wait=${WAIT_SECONDS}` };
    try {
      const order = await firstValueFrom(this.http.post<Order>('/api/orders', body, { headers }));
      answered(ACT);
      void this.cart.reload();
      if (order.status !== 'cancelled') return order;
      this.refusedLines.set(
        (order.refusedLines ?? []).map(({ productId, requested, available }) => ({ name: names.get(productId) ?? String(productId), requested, available })),
      );
      return null;
    } catch (error) {
      const failure = failureOf(error);
      // Without an answer, or with one that says "later", the same key is used again.
      if (failure.status >= 400 && failure.status < 500 && failure.status !== 429) answered(ACT);
      this.failed.set(failure);
      return null;
    } finally {
      this.placing.set(false);
    }
  }

  clear(): void {
    this.failed.set(null);
    this.refusedLines.set(null);
  }
}
