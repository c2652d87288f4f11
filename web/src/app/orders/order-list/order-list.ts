import { ChangeDetectionStrategy, Component, inject } from '@angular/core';
import { RouterLink } from '@angular/router';
import type { Order } from '../../api/types';
import { MoneyPipe, WhenPipe } from '../../i18n/format';
import { texts } from '../../i18n/i18n';
import { Empty } from '../../ui/empty';
import { Failed } from '../../ui/failed';
import { Icon } from '../../ui/icon';
import { SkeletonLines } from '../../ui/lines';
import { Pages } from '../../ui/pages';
import { OrderStatusTag } from '../order-status';
import { OrderListStore, STATUSES } from './order-list-store';

@Component({
  selector: 'app-order-list',
  imports: [RouterLink, Empty, Failed, Icon, MoneyPipe, OrderStatusTag, Pages, SkeletonLines, WhenPipe],
  providers: [OrderListStore],
  template: `<div class="wrap page">
    <div class="page-head"><h1>{{ t().orders.title }}</h1></div>
    <div class="filters" role="group" [attr.aria-label]="t().orders.statusFilter">
      <button type="button" class="chip" [attr.aria-pressed]="!store.status()" (click)="store.filter(null)">{{ t().orders.allStatuses }}</button>
      @for (status of statuses; track status) {
        <button type="button" class="chip" [attr.aria-pressed]="store.status() === status" (click)="store.filter(status)">{{ t().orders.status[status] }}</button>
      }
    </div>
    @if (store.orders(); as orders) {
      @if (orders.length) {
        <ul class="stack" role="list">
          @for (order of orders; track order.orderId) {
            <li>
              <article class="panel order" [attr.aria-label]="t().orders.order(order.orderId)">
                <div class="main">
                  <div class="row"><app-order-status [order]="order" /><span class="muted small">{{ t().orders.placed(order.orderDate | when: 'date') }}</span></div>
                  <p class="what">{{ names(order) }}</p>
                  <p class="muted small num">{{ t().orders.order(order.orderId) }}</p>
                </div>
                <p class="num strong total">{{ order.totalAmount | money }}</p>
                <div class="row acts">
                  @if (order.status === 'confirmed' && order.paymentTerms === 'prepaid') {
                    <a class="btn" [routerLink]="['/orders', order.orderId, 'pay']">{{ t().orders.payNow }}<span class="vh">: {{ t().orders.order(order.orderId) }}</span></a>
                  }
                  <a class="btn quiet" [routerLink]="['/orders', order.orderId]">{{ t().pay.toOrder }}<app-icon name="right" [size]="16" /></a>
                </div>
              </article>
            </li>
          }
        </ul>
        <app-pages [page]="store.page()" [pages]="store.pages()" (turn)="store.turn($event)" />
      } @else if (store.status()) {
        <app-empty [heading]="t().orders.emptyFiltered"><button type="button" class="btn" (click)="store.filter(null)">{{ t().orders.allStatuses }}</button></app-empty>
      } @else {
        <app-empty [heading]="t().orders.emptyTitle" [text]="t().orders.emptyText"><a class="btn" routerLink="/search">{{ t().cart.emptyAction }}</a></app-empty>
      }
    } @else if (store.error(); as error) {
      <app-failed [error]="error" (retry)="store.reload()" />
    } @else {
      <app-skeleton-lines [count]="4" />
    }
  </div>`,
  styles: `
    .filters { display: flex; flex-wrap: wrap; gap: 8px; margin-bottom: 20px; }
    .chip { min-height: 44px; padding: 0 16px; border-radius: 999px; border: 1px solid var(--line-strong); background: var(--surface); font-size: 0.875rem; }
    .chip[aria-pressed='true'] { background: var(--brand-wash); border-color: var(--brand); color: var(--brand); font-weight: 600; }
    .order { display: grid; gap: 12px 24px; }
    .main { display: grid; gap: 6px; }
    .what { font-weight: 500; }
    .total { font-size: 1.125rem; }
    @media (min-width: 768px) { .order { grid-template-columns: minmax(0, 1fr) auto auto; align-items: center; } }
  `,
  changeDetection: ChangeDetectionStrategy.OnPush,
})
export class OrderList {
  protected readonly t = texts();
  protected readonly store = inject(OrderListStore);
  protected readonly statuses = STATUSES;

  protected names(order: Order): string {
    const [first, ...rest] = order.items.map((item) => (item.quantity > 1 ? `${item.quantity} × ${item.name}` : item.name));
    return rest.length > 0 ? `${first} ${this.t().orders.andMore(rest.length)}` : (first ?? '');
  }
}
