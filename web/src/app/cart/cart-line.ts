import { ChangeDetectionStrategy, Component, computed, inject, input, output, signal } from '@angular/core';
import { RouterLink } from '@angular/router';
import type { CartItem } from '../api/types';
import { Format, MoneyPipe } from '../i18n/format';
import { texts } from '../i18n/i18n';
import { Session } from '../session/session';
import { CartStore } from '../stores/cart-store';
import { Errors } from '../ui/errors';
import { Icon } from '../ui/icon';
import { Picture } from '../ui/picture';
import { Quantity } from '../ui/quantity';
import { Toasts } from '../ui/toasts';

const SOON_MS = 2 * 60 * 60 * 1000;

/** An item of the cart: quantity, time left, and what is wrong with it. */
@Component({
  selector: 'app-cart-line',
  imports: [RouterLink, Icon, MoneyPipe, Picture, Quantity],
  templateUrl: './cart-line.html',
  styleUrl: './cart-line.css',
  changeDetection: ChangeDetectionStrategy.OnPush,
})
export class CartLine {
  readonly item = input.required<CartItem>();
  /** The present time by the server's clock, in milliseconds. */
  readonly now = input.required<number>();
  readonly left = output();
  protected readonly t = texts();
  protected readonly session = inject(Session);
  protected readonly isBusy = signal(false);
  private readonly cart = inject(CartStore);
  private readonly toasts = inject(Toasts);
  private readonly errors = inject(Errors);
  private readonly format = inject(Format);

  protected readonly link = computed(() => ['/products', this.item().slug ?? String(this.item().productId)]);
  protected readonly total = computed(() => ({ ...this.item().price, amount: this.item().price.amount * this.item().quantity }));
  protected readonly tooFew = computed(() => {
    const { available, stock, quantity } = this.item();
    return available && stock != null && stock < quantity ? stock : null;
  });
  protected readonly priceBefore = computed(() => {
    const { price, priceWhenAdded } = this.item();
    return priceWhenAdded && priceWhenAdded.amount !== price.amount ? priceWhenAdded : null;
  });
  protected readonly isDearer = computed(() => (this.priceBefore()?.amount ?? 0) < this.item().price.amount);
  protected readonly timeLeft = computed(() => {
    const end = this.item().expiryTime;
    if (!end) return null;
    const left = Date.parse(end) - this.now();
    const { timeLeft, timeAlmost } = this.t().cart;
    return { isSoon: left < SOON_MS, text: (left < SOON_MS ? timeAlmost : timeLeft)(this.format.span(left)) };
  });

  protected setQuantity(quantity: number): void {
    void this.act(() => this.cart.setQuantity(this.item(), quantity));
  }

  protected async remove(): Promise<void> {
    const { productId, quantity, name } = this.item();
    const done = await this.act(() => this.cart.remove(this.item()));
    if (!done) return;
    this.left.emit();
    this.toasts.success(this.t().cart.removed(name), {
      label: this.t().common.undo,
      run: () => void this.cart.add(productId, quantity).catch((error: unknown) => this.errors.toast(error)),
    });
  }

  protected async saveForLater(): Promise<void> {
    const done = await this.act(() => this.cart.saveForLater(this.item()));
    if (!done) return;
    this.left.emit();
    this.toasts.success(this.t().cart.movedToWishlist);
  }

  private async act(change: () => Promise<void>): Promise<boolean> {
    if (this.isBusy()) return false;
    this.isBusy.set(true);
    try {
      await change();
      return true;
    } catch (error) {
      this.errors.toast(error);
      return false;
    } finally {
      this.isBusy.set(false);
    }
  }
}
