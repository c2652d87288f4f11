import { ChangeDetectionStrategy, Component, ElementRef, computed, inject, viewChild } from '@angular/core';
import { Router, RouterLink } from '@angular/router';
import { MoneyPipe } from '../../i18n/format';
import { texts } from '../../i18n/i18n';
import { Session } from '../../session/session';
import { CartStore } from '../../stores/cart-store';
import { ServerClock } from '../../stores/server-clock';
import { Empty } from '../../ui/empty';
import { Failed } from '../../ui/failed';
import { Icon } from '../../ui/icon';
import { SkeletonLines } from '../../ui/lines';
import { Picture } from '../../ui/picture';
import { CartLine } from '../cart-line';

@Component({
  selector: 'app-cart-page',
  imports: [RouterLink, CartLine, Empty, Failed, Icon, MoneyPipe, Picture, SkeletonLines],
  providers: [ServerClock],
  templateUrl: './cart-page.html',
  styleUrl: './cart-page.css',
  changeDetection: ChangeDetectionStrategy.OnPush,
})
export class CartPage {
  protected readonly t = texts();
  protected readonly cart = inject(CartStore);
  protected readonly session = inject(Session);
  protected readonly clock = inject(ServerClock);
  private readonly router = inject(Router);
  private readonly heading = viewChild<ElementRef<HTMLElement>>('heading');

  /** A visitor without a session has no cart yet, and needs no request to know it. */
  protected readonly isLoading = computed(() => !this.session.isKnown() || (!!this.session.user() && !this.cart.isLoaded() && !this.cart.failure()));
  /** Ordered items by their order. */
  protected readonly orders = computed(() => {
    const groups = new Map<number, ReturnType<typeof this.cart.ordered>>();
    for (const item of this.cart.ordered()) {
      if (item.orderId != null) groups.set(item.orderId, [...(groups.get(item.orderId) ?? []), item]);
    }
    return [...groups].map(([orderId, items]) => ({ orderId, items }));
  });

  constructor() {
    void this.cart.reload();
  }

  protected checkout(): void {
    if (this.cart.needsAttention()) this.focus();
    else void this.router.navigateByUrl('/checkout');
  }

  protected focus(): void {
    this.heading()?.nativeElement.focus();
  }
}
