import { ChangeDetectionStrategy, Component, inject, signal } from '@angular/core';
import { RouterLink } from '@angular/router';
import type { Wish } from '../../api/types';
import { MoneyPipe } from '../../i18n/format';
import { texts } from '../../i18n/i18n';
import { CartStore } from '../../stores/cart-store';
import { WishStore } from '../../stores/wish-store';
import { Empty } from '../../ui/empty';
import { Errors } from '../../ui/errors';
import { Failed } from '../../ui/failed';
import { Icon } from '../../ui/icon';
import { Picture } from '../../ui/picture';
import { SkeletonGrid } from '../../ui/skeleton-grid';
import { Toasts } from '../../ui/toasts';

@Component({
  selector: 'app-wishlist-page',
  imports: [RouterLink, Empty, Failed, Icon, MoneyPipe, Picture, SkeletonGrid],
  template: `<div class="wrap page">
    <div class="page-head"><h1>{{ t().wishlist.title }}</h1></div>
    @if (store.isLoaded()) {
      @if (store.items().length) {
        <ul class="grid" role="list">
          @for (wish of store.items(); track wish.productId) {
            <li class="wish">
              <a class="card" [routerLink]="['/products', wish.slug ?? wish.productId]">
                <app-picture [url]="wish.imageUrl" />
                <span class="name">{{ wish.name }}</span>
                <span class="price">{{ wish.price | money }}</span>
              </a>
              @if (wish.available && wish.stock !== 0) {
                <button type="button" class="btn move" [attr.aria-busy]="busy() === wish.productId" (click)="move(wish)">{{ t().wishlist.move }}<span class="vh">: {{ wish.name }}</span></button>
              } @else {
                <p class="muted small">{{ t().wishlist.soldOut }}</p>
              }
              <button type="button" class="icon-btn remove" [attr.aria-label]="t().wishlist.remove(wish.name)" (click)="remove(wish)"><app-icon name="close" [size]="20" /></button>
            </li>
          }
        </ul>
      } @else {
        <app-empty icon="heart" [heading]="t().wishlist.emptyTitle" [text]="t().wishlist.emptyText">
          <a class="btn" routerLink="/search">{{ t().cart.emptyAction }}</a>
        </app-empty>
      }
    } @else if (store.failure(); as failure) {
      <app-failed [error]="failure" (retry)="store.reload()" />
    } @else {
      <app-skeleton-grid [count]="4" />
    }
  </div>`,
  styles: `
    .wish { position: relative; display: flex; flex-direction: column; gap: 12px; }
    .card .name { margin-top: 12px; }
    .move { margin-top: auto; align-self: start; }
    .remove { position: absolute; top: 6px; right: 6px; background: var(--surface); }
  `,
  changeDetection: ChangeDetectionStrategy.OnPush,
})
export class WishlistPage {
  protected readonly t = texts();
  protected readonly store = inject(WishStore);
  protected readonly busy = signal<number | null>(null);
  private readonly cart = inject(CartStore);
  private readonly toasts = inject(Toasts);
  private readonly errors = inject(Errors);

  constructor() {
    void this.store.reload();
  }

  protected async move(wish: Wish): Promise<void> {
    if (this.busy() !== null) return;
    this.busy.set(wish.productId);
    try {
      await this.store.moveToCart(wish.productId);
      this.toasts.success(this.t().wishlist.moved, { label: this.t().cart.view, run: () => this.cart.open() });
    } catch (error) {
      this.errors.toast(error);
    } finally {
      this.busy.set(null);
    }
  }

  protected async remove(wish: Wish): Promise<void> {
    try {
      await this.store.remove(wish.productId);
      this.toasts.success(this.t().product.wishRemoved, {
        label: this.t().common.undo,
        run: () => void this.store.add(wish.productId).catch((error: unknown) => this.errors.toast(error)),
      });
    } catch (error) {
      this.errors.toast(error);
    }
  }
}
