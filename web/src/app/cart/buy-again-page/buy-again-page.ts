import { ChangeDetectionStrategy, Component, inject, signal } from '@angular/core';
import { RouterLink } from '@angular/router';
import type { CartItem } from '../../api/types';
import { MoneyPipe } from '../../i18n/format';
import { texts } from '../../i18n/i18n';
import { CartStore } from '../../stores/cart-store';
import { Empty } from '../../ui/empty';
import { Errors } from '../../ui/errors';
import { Failed } from '../../ui/failed';
import { Picture } from '../../ui/picture';
import { SkeletonGrid } from '../../ui/skeleton-grid';

@Component({
  selector: 'app-buy-again-page',
  imports: [RouterLink, Empty, Failed, MoneyPipe, Picture, SkeletonGrid],
  template: `<div class="wrap page">
    <div class="page-head"><h1>{{ t().buyAgain.title }}</h1></div>
    @if (cart.isLoaded()) {
      @if (cart.purchased().length) {
        <ul class="grid" role="list">
          @for (item of cart.purchased(); track item.cartItemId) {
            <li class="bought">
              <a class="card" [routerLink]="['/products', item.slug ?? item.productId]">
                <app-picture [url]="item.imageUrl" />
                <span class="name">{{ item.name }}</span>
                <span class="price">{{ item.price | money }}</span>
              </a>
              @if (item.available && item.stock !== 0) {
                <button type="button" class="btn add" [attr.aria-busy]="busy() === item.cartItemId" (click)="add(item)">{{ t().buyAgain.add }}<span class="vh">: {{ item.name }}</span></button>
              } @else {
                <p class="muted small">{{ t().product.soldOut }}</p>
              }
            </li>
          }
        </ul>
      } @else {
        <app-empty icon="refresh" [heading]="t().buyAgain.emptyTitle" [text]="t().buyAgain.emptyText">
          <a class="btn" routerLink="/search">{{ t().cart.emptyAction }}</a>
        </app-empty>
      }
    } @else if (cart.failure(); as failure) {
      <app-failed [error]="failure" (retry)="cart.reload()" />
    } @else {
      <app-skeleton-grid [count]="4" />
    }
  </div>`,
  styles: `.bought { display: flex; flex-direction: column; gap: 12px; } .card .name { margin-top: 12px; } .add { margin-top: auto; align-self: start; }`,
  changeDetection: ChangeDetectionStrategy.OnPush,
})
export class BuyAgainPage {
  protected readonly t = texts();
  protected readonly cart = inject(CartStore);
  protected readonly busy = signal<string | null>(null);
  private readonly errors = inject(Errors);

  constructor() {
    void this.cart.reload();
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
