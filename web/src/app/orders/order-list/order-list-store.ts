import { httpResource } from '@angular/common/http';
import { Injectable, computed, inject } from '@angular/core';
import { toSignal } from '@angular/core/rxjs-interop';
import { ActivatedRoute, Router } from '@angular/router';
import type { Order, OrderStatus, Page } from '../../api/types';

export const STATUSES: readonly OrderStatus[] = ['created', 'confirmed', 'paid', 'shipped', 'delivered', 'cancelled'];
const PAGE_SIZE = 10;

/** The customer's orders, newest first; status and page stand in the address. */
@Injectable()
export class OrderListStore {
  private readonly router = inject(Router);
  private readonly route = inject(ActivatedRoute);
  private readonly params = toSignal(this.route.queryParamMap, { requireSync: true });

  readonly status = computed(() => STATUSES.find((status) => status === this.params().get('status')) ?? null);
  readonly page = computed(() => Math.max(0, Number.parseInt(this.params().get('page') ?? '0', 10) || 0));
  private readonly found = httpResource<Page<Order>>(() => {
    const status = this.status();
    return { url: '/api/orders', params: { page: this.page(), size: PAGE_SIZE, ...(status ? { status } : {}) } };
  });
  readonly orders = computed(() => (this.found.hasValue() ? this.found.value().items : null));
  readonly pages = computed(() => (this.found.hasValue() ? Math.max(1, Math.ceil(this.found.value().total / PAGE_SIZE)) : 1));
  readonly error = computed(() => this.found.error());

  filter(status: OrderStatus | null): void {
    void this.router.navigate([], { relativeTo: this.route, queryParams: { status, page: null }, state: { keepScroll: true } });
  }

  turn(page: number): void {
    void this.router.navigate([], { relativeTo: this.route, queryParams: { page: page || null }, queryParamsHandling: 'merge' });
  }

  reload(): void {
    this.found.reload();
  }
}
