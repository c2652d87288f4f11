import { httpResource } from '@angular/common/http';
import { ChangeDetectionStrategy, Component, computed } from '@angular/core';
import { RouterLink } from '@angular/router';
import type { Account, Order, OrderStatus } from '../../api/types';
import { adminTexts } from '../../i18n/admin-texts';
import { MoneyPipe, WhenPipe } from '../../i18n/format';
import { Empty } from '../../ui/empty';
import { Failed } from '../../ui/failed';
import { Icon } from '../../ui/icon';
import { SkeletonLines } from '../../ui/lines';
import { Pages } from '../../ui/pages';
import { pagedList } from '../paged-list';

export const STATUSES: readonly OrderStatus[] = ['created', 'confirmed', 'paid', 'shipped', 'delivered', 'cancelled'];
export const TONES: Record<OrderStatus, string> = { created: 'info', confirmed: 'warn', paid: 'ok', shipped: 'info', delivered: 'ok', cancelled: 'bad' };

@Component({
  selector: 'app-admin-orders',
  imports: [RouterLink, Empty, Failed, Icon, MoneyPipe, Pages, SkeletonLines, WhenPipe],
  template: `<div class="page-head"><h1>{{ list.param('userId') ? a().orders.of(customer()) : a().orders.title }}</h1><p class="muted small num">{{ a().list.total(list.total(), list.isExact()) }}</p></div>
    <div class="filters">
      <div class="chips" role="group" [attr.aria-label]="a().list.status">
        <button type="button" [attr.aria-pressed]="!list.param('status')" (click)="list.filter({ status: null })">{{ a().list.all }}</button>
        @for (status of statuses; track status) {
          <button type="button" [attr.aria-pressed]="list.param('status') === status" (click)="list.filter({ status })">{{ a().orders.status[status] }}</button>
        }
      </div>
      <div class="field"><label for="placed-from">{{ a().orders.from }}</label><input #from id="placed-from" type="date" [value]="list.param('from')" [max]="list.param('to')" (change)="list.filter({ from: from.value || null })" /></div>
      <div class="field"><label for="placed-to">{{ a().orders.to }}</label><input #to id="placed-to" type="date" [value]="list.param('to')" [min]="list.param('from')" (change)="list.filter({ to: to.value || null })" /></div>
      <form class="grow" role="search" (submit)="find($event, query.value)">
        <div class="field grow"><label for="order-query">{{ a().orders.findOrder }}</label><input #query id="order-query" type="search" autocomplete="off" maxlength="200" [value]="list.param('q')" /></div>
        <button type="submit" class="btn quiet"><app-icon name="search" [size]="18" /><span class="vh">{{ a().list.find }}</span></button>
      </form>
      @if (list.isFiltered()) {
        <button type="button" class="link-btn" (click)="list.clear()">{{ a().list.clear }}</button>
      }
    </div>
    @if (list.items(); as orders) {
      @if (orders.length) {
        <div class="panel table cards" [class.stale]="list.isLoading()">
          <table>
            <thead><tr><th scope="col">{{ a().orders.order }}</th><th scope="col">{{ a().orders.placed }}</th><th scope="col">{{ a().orders.customer }}</th><th scope="col">{{ a().list.status }}</th><th scope="col" class="r">{{ a().orders.total }}</th></tr></thead>
            <tbody>
              @for (order of orders; track order.orderId) {
                <tr>
                  <td class="head num"><a [routerLink]="['/admin/orders', order.orderId]">{{ order.orderId }}</a></td>
                  <td [attr.data-label]="a().orders.placed" class="num">{{ order.orderDate | when }}</td>
                  <td [attr.data-label]="a().orders.customer">{{ order.shippingAddress.name }}</td>
                  <td [attr.data-label]="a().list.status"><span [class]="'tag ' + tones[order.status]">{{ a().orders.status[order.status] }}</span></td>
                  <td [attr.data-label]="a().orders.total" class="r num">{{ order.totalAmount | money }}</td>
                </tr>
              }
            </tbody>
          </table>
        </div>
        <app-pages [page]="list.page()" [pages]="list.pages()" (turn)="list.turn($event)" />
      } @else {
        <app-empty [heading]="a().list.empty" [text]="list.isFiltered() ? a().list.emptyFiltered : ''" />
      }
    } @else if (list.error()) {
      <app-failed [error]="list.error()" (retry)="list.reload()" />
    } @else {
      <app-skeleton-lines [count]="6" />
    }`,
  changeDetection: ChangeDetectionStrategy.OnPush,
})
export class AdminOrders {
  protected readonly a = adminTexts();
  protected readonly list = pagedList<Order>('/api/orders', ['q', 'status', 'userId', 'from', 'to']);
  private readonly user = httpResource<Account>(() => (this.list.param('userId') ? `/api/users/${this.list.param('userId')}` : undefined));
  /** The address of the customer whose orders are listed; the id until it is known. */
  protected readonly customer = computed(() => (this.user.hasValue() ? this.user.value().email : this.list.param('userId')));
  protected readonly statuses = STATUSES;
  protected readonly tones = TONES;

  protected find(event: Event, query: string): void {
    event.preventDefault();
    this.list.filter({ q: query.trim() || null });
  }
}
