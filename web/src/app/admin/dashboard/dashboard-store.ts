import { httpResource } from '@angular/common/http';
import { Injectable, computed } from '@angular/core';
import type { components } from '../../api/schema';
import type { ProductList } from '../../api/types';

type OrdersSummary = components['schemas']['OrdersSummary'];
type PaymentSummary = components['schemas']['PaymentSummary'];
type Funnel = components['schemas']['Funnel'];

const DAYS = 7;
export const LOW_STOCK = 6;

/** Figures of the last seven days. Each tile stands alone: one service that is away takes only its own. */
@Injectable()
export class DashboardStore {
  private readonly orderSums = httpResource<OrdersSummary>(() => `/api/orders/summary?days=${DAYS}`);
  private readonly paymentSums = httpResource<PaymentSummary>(() => `/api/payments/summary?days=${DAYS}`);
  private readonly lowStock = httpResource<ProductList>(() => `/api/products?stockBelow=${LOW_STOCK}&size=1`);
  private readonly soldOut = httpResource<ProductList>(() => '/api/products?stockBelow=1&size=1');
  private readonly visits = httpResource<Funnel>(() => `/api/admin/funnel?days=${DAYS}`);

  readonly orders = computed(() => (this.orderSums.hasValue() ? this.orderSums.value() : null));
  readonly payments = computed(() => (this.paymentSums.hasValue() ? this.paymentSums.value() : null));
  readonly low = computed(() => (this.lowStock.hasValue() ? this.lowStock.value().total : null));
  readonly out = computed(() => (this.soldOut.hasValue() ? this.soldOut.value().total : null));
  readonly funnel = computed(() => (this.visits.hasValue() ? this.visits.value() : null));
  readonly error = computed(() => this.orderSums.error() ?? this.paymentSums.error());
  /** True until the first answer of orders is there. */
  readonly isLoading = computed(() => !this.orders() && !this.orderSums.error());
  readonly today = computed(() => this.orders()?.days.at(-1) ?? null);
  readonly yesterday = computed(() => this.orders()?.days.at(-2) ?? null);
  readonly attempts = computed(() => {
    const total = this.payments()?.total;
    return total ? total.succeeded + total.failed + total.processing : 0;
  });

  reload(): void {
    for (const resource of [this.orderSums, this.paymentSums, this.lowStock, this.soldOut, this.visits]) resource.reload();
  }
}
