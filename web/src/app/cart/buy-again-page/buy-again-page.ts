import { httpResource } from '@angular/common/http';
import { ChangeDetectionStrategy, Component, computed, inject, signal } from '@angular/core';
import { toSignal } from '@angular/core/rxjs-interop';
import { ActivatedRoute, Router, RouterLink } from '@angular/router';
import type { CartItem, Page } from '../../api/types';
import { MoneyPipe, WhenPipe } from '../../i18n/format';
import { texts } from '../../i18n/i18n';
import { CartStore } from '../../stores/cart-store';
import { Empty } from '../../ui/empty';
import { Errors } from '../../ui/errors';
import { Failed } from '../../ui/failed';
import { Pages } from '../../ui/pages';
import { Picture } from '../../ui/picture';
import { SkeletonGrid } from '../../ui/skeleton-grid';

const PAGE_SIZE = 24;

@Component({
  selector: 'app-buy-again-page',
  imports: [RouterLink, Empty, Failed, MoneyPipe, Pages, Picture, SkeletonGrid, WhenPipe],
  template: `<div class="wrap page">
    <div class="page-head"><h1>{{ t().buyAgain.title }}</h1></div>
    @if (items(); as items) {
      @if (items.length) {
        <ul class="grid" role="list">
          @for (item of items; track item.cartItemId) {
            <li class="bought">
              <a class="card" [routerLink]="['/products', item.slug ?? item.productId]">
                <app-picture [url]="item.imageUrl" />
                <span class="name">{{ item.name }}</span>
                <span class="price">{{ item.price | money }}</span>
              </a>
              @if (item.purchasedAt; as at) {
                <p class="muted small">{{ t().buyAgain.bought(at | when: 'date') }}</p>
              }
              @if (item.available && item.stock !== 0) {
                <button type="button" class="btn add" [attr.aria-busy]="busy() === item.cartItemId" (click)="add(item)">{{ t().buyAgain.add }}<span class="vh">: {{ item.name }}</span></button>
              } @else {
                <p class="muted small">{{ t().product.soldOut }}</p>
              }
            </li>
          }
        </ul>
        <app-pages [page]="page()" [pages]="pages()" (turn)="turn($event)" />
      } @else {
        <app-empty icon="refresh" [heading]="t().buyAgain.emptyTitle" [text]="t().buyAgain.emptyText">
          <a class="btn" routerLink="/search">{{ t().cart.emptyAction }}</a>
        </app-empty>
      }
    } @else if (found.error(); as error) {
      <app-failed [error]="error" (retry)="found.reload()" />
    } @else {
      <app-skeleton-grid [count]="8" />
    }
  </div>`,
  styles: `.bought { display: flex; flex-direction: column; gap: 12px; } .card .name { margin-top: 12px; } .add { margin-top: auto; align-self: start; }`,
  changeDetection: ChangeDetectionStrategy.OnPush,
})
export class BuyAgainPage {
  protected readonly t = texts();
  protected readonly busy = signal<string | null>(null);
  private readonly cart = inject(CartStore);
  private readonly errors = inject(Errors);
  private readonly router = inject(Router);
  private readonly route = inject(ActivatedRoute);
  private readonly params = toSignal(this.route.queryParamMap, { requireSync: true });
  protected readonly page = computed(() => Math.max(0, Number.parseInt(this.params().get('page') ?? '0', 10) || 0));
  protected readonly found = httpResource<Page<CartItem>>(() => ({ url: '/api/cart/purchases', params: { page: this.page(), size: PAGE_SIZE } }));
  protected readonly items = computed(() => (this.found.hasValue() ? this.found.value().items : null));
  protected readonly pages = computed(() => (this.found.hasValue() ? Math.max(1, Math.ceil(this.found.value().total / PAGE_SIZE)) : 1));

  /** The page stands in the address. */
  protected turn(page: number): void {
    void this.router.navigate([], { relativeTo: this.route, queryParams: { page: page || null } });
  }

  protected async add(item: CartItem): Promise<void> {
    if (this.busy() !== null) return;
    this.busy.set(item.cartItemId);
    try {
      await this.cart.add(item.productId);
      this.cart.open();
    } catch (error) {
      this.errors.toast(error);
    } finally {
      this.busy.set(null);
    }
  }
}
