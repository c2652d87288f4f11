import { ChangeDetectionStrategy, Component, computed, effect, inject, input, signal } from '@angular/core';
import { RouterLink } from '@angular/router';
import { Dialog } from 'primeng/dialog';
import type { OrderStep, TimelineEntry } from '../../api/types';
import { Format, MoneyPipe, WhenPipe } from '../../i18n/format';
import { I18n } from '../../i18n/i18n';
import { CartStore } from '../../stores/cart-store';
import { OrderFollow } from '../../stores/order-follow';
import { ProductPictures } from '../../stores/product-pictures';
import { ServerClock } from '../../stores/server-clock';
import { Announcer } from '../../ui/announcer';
import { Empty } from '../../ui/empty';
import { Errors } from '../../ui/errors';
import { Failed } from '../../ui/failed';
import type { IconName } from '../../ui/icon';
import { Icon } from '../../ui/icon';
import { SkeletonLines } from '../../ui/lines';
import { Picture } from '../../ui/picture';
import { usePrimeNG } from '../../ui/primeng';
import { PageTitle } from '../../ui/page-title';
import { Toasts } from '../../ui/toasts';
import { OrderStatusTag } from '../order-status';
import { OrderStore } from './order-store';

const ICONS: Record<OrderStep, IconName> = {
  created: 'cart',
  confirmed: 'box',
  paid: 'card',
  payment_failed: 'warn',
  shipped: 'truck',
  delivered: 'check',
  cancelled: 'close',
  refunded: 'return',
  refund_failed: 'warn',
};
const BAD: readonly OrderStep[] = ['payment_failed', 'cancelled', 'refund_failed'];

@Component({
  selector: 'app-order-page',
  imports: [RouterLink, Dialog, Empty, Failed, Icon, MoneyPipe, OrderStatusTag, Picture, SkeletonLines, WhenPipe],
  providers: [OrderStore, OrderFollow, ProductPictures, ServerClock],
  templateUrl: './order-page.html',
  styleUrl: './order-page.css',
  changeDetection: ChangeDetectionStrategy.OnPush,
})
export class OrderPage {
  readonly id = input.required<string>();
  private readonly i18n = inject(I18n);
  protected readonly t = this.i18n.t;
  protected readonly store = inject(OrderStore);
  protected readonly pictures = inject(ProductPictures);
  protected readonly isConfirming = signal(false);
  private readonly cart = inject(CartStore);
  private readonly toasts = inject(Toasts);
  private readonly errors = inject(Errors);
  private readonly format = inject(Format);
  private readonly clock = inject(ServerClock);

  protected readonly payWithin = computed(() => {
    const payBy = this.store.order()?.payBy;
    return payBy ? this.format.span(Date.parse(payBy) - this.clock.now()) : null;
  });
  protected readonly country = computed(() => {
    const code = this.store.order()?.shippingAddress.country;
    return code ? new Intl.DisplayNames(this.i18n.language(), { type: 'region' }).of(code) : '';
  });
  protected readonly steps = computed(() =>
    [...this.store.timeline()].reverse().map((entry) => ({
      entry,
      icon: ICONS[entry.step],
      isBad: BAD.includes(entry.step),
      label: this.t().orders.steps[entry.step],
      detail: this.detailOf(entry),
    })),
  );

  constructor() {
    usePrimeNG();
    const title = inject(PageTitle);
    const announcer = inject(Announcer);
    effect(() => {
      title.set(this.t().orders.order(this.id()));
      void this.store.open(Number(this.id()));
    });
    effect(() => this.pictures.show(this.store.order()?.items.map(({ productId }) => productId) ?? []));
    let known = 0;
    effect(() => {
      const steps = this.steps();
      if (known > 0 && steps.length > known) announcer.say(steps[0]?.label ?? '');
      known = steps.length;
    });
  }

  protected async cancel(): Promise<void> {
    this.isConfirming.set(false);
    try {
      await this.store.cancel();
      this.toasts.success(this.t().orders.cancelled);
    } catch (error) {
      this.errors.toast(error);
    }
  }

  protected async buyAgain(): Promise<void> {
    try {
      const missing = await this.store.buyAgain();
      if (missing > 0) this.toasts.show({ severity: 'warn', summary: this.t().orders.buyAgainSome });
      this.cart.open();
    } catch (error) {
      this.errors.toast(error);
    }
  }

  protected async copy(number: string): Promise<void> {
    await navigator.clipboard.writeText(number);
    this.toasts.success(this.t().orders.copied);
  }

  private detailOf({ step, detail }: TimelineEntry): string {
    if (!detail) return '';
    if (step === 'payment_failed') return this.t().pay.failed[detail.failureCode ?? ''] ?? '';
    if (step === 'cancelled' && detail.reason) return this.t().orders.reasons[detail.reason];
    if (step === 'refunded' && detail.amount) return this.format.money(detail.amount);
    if (step === 'shipped') return [detail.carrier, detail.trackingNumber].filter(Boolean).join(', ');
    return '';
  }
}
