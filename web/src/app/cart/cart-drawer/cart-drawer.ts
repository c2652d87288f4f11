import { ChangeDetectionStrategy, Component, inject } from '@angular/core';
import { Router } from '@angular/router';
import { Drawer } from 'primeng/drawer';
import { MoneyPipe } from '../../i18n/format';
import { texts } from '../../i18n/i18n';
import { CartStore } from '../../stores/cart-store';
import { ServerClock } from '../../stores/server-clock';
import { Empty } from '../../ui/empty';
import { Failed } from '../../ui/failed';
import { SkeletonLines } from '../../ui/lines';
import { ModalDrawer } from '../../ui/modal-drawer';
import { usePrimeNG } from '../../ui/primeng';
import { CartLine } from '../cart-line';

/** The cart beside the page, after something was added to it. */
@Component({
  selector: 'app-cart-drawer',
  imports: [Drawer, ModalDrawer, Empty, Failed, CartLine, MoneyPipe, SkeletonLines],
  providers: [ServerClock],
  template: `<p-drawer [visible]="cart.isOpen()" (visibleChange)="toggle($event)" position="right" [header]="t().cart.title" [ariaCloseLabel]="t().common.close" styleClass="cart-drawer">
    @if (cart.active().length) {
      <ul class="lines" role="list">
        @for (item of cart.active(); track item.cartItemId) {
          <li><app-cart-line [item]="item" [now]="clock.now()" (left)="focus()" /></li>
        }
      </ul>
    } @else if (cart.failure(); as failure) {
      <app-failed [error]="failure" (retry)="cart.reload()" />
    } @else if (cart.isLoading()) {
      <app-skeleton-lines />
    } @else {
      <app-empty icon="cart" [heading]="t().cart.emptyTitle" [text]="t().cart.emptyText">
        <button type="button" class="btn" (click)="go('/search')">{{ t().cart.emptyAction }}</button>
      </app-empty>
    }
    <ng-template #footer>
      @if (cart.active().length) {
        <div class="sum"><span>{{ t().cart.subtotal }}</span><span class="num strong">{{ cart.subtotal() | money }}</span></div>
        <div class="acts">
          <button type="button" class="btn quiet" (click)="go('/cart')">{{ t().cart.view }}</button>
          <button type="button" class="btn" (click)="go(cart.needsAttention() ? '/cart' : '/checkout')">{{ t().cart.checkout }}</button>
        </div>
      }
    </ng-template>
  </p-drawer>`,
  styles: `
    .lines > li + li { border-top: 1px solid var(--line); }
    .sum { display: flex; justify-content: space-between; margin-bottom: 12px; font-size: 1.125rem; }
    .acts { display: grid; grid-template-columns: 1fr 1fr; gap: 12px; }
    .acts .btn { padding-inline: 12px; }
  `,
  changeDetection: ChangeDetectionStrategy.OnPush,
})
export class CartDrawer {
  protected readonly t = texts();
  protected readonly cart = inject(CartStore);
  protected readonly clock = inject(ServerClock);
  private readonly router = inject(Router);

  constructor() {
    usePrimeNG();
  }

  protected toggle(visible: boolean): void {
    if (!visible) this.cart.close();
  }

  protected go(path: string): void {
    this.cart.close();
    void this.router.navigateByUrl(path);
  }

  /** The removed line took the focus with it. */
  protected focus(): void {
    setTimeout(() => document.querySelector<HTMLElement>('.cart-drawer button')?.focus());
  }
}
