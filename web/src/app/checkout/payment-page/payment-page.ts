import { ChangeDetectionStrategy, Component, computed, effect, inject, input, linkedSignal, signal, untracked } from '@angular/core';
import { RouterLink } from '@angular/router';
import { Format, MoneyPipe } from '../../i18n/format';
import { texts } from '../../i18n/i18n';
import { CartStore } from '../../stores/cart-store';
import { OrderFollow } from '../../stores/order-follow';
import { ServerClock } from '../../stores/server-clock';
import { ShopStore } from '../../stores/shop-store';
import { Visits } from '../../stores/visits';
import { Countdown } from '../../ui/countdown';
import { Empty } from '../../ui/empty';
import { Errors } from '../../ui/errors';
import { Failed } from '../../ui/failed';
import { Icon } from '../../ui/icon';
import { SkeletonLines } from '../../ui/lines';
import { PaymentStore } from './payment-store';

/** Providers as their customers know them. */
const NAMES: Record<string, string> = { stripe: 'Stripe' };

@Component({
  selector: 'app-payment-page',
  imports: [RouterLink, Empty, Failed, Icon, MoneyPipe, SkeletonLines],
  providers: [PaymentStore, OrderFollow, ServerClock, Countdown],
  templateUrl: './payment-page.html',
  styleUrl: './payment-page.css',
  changeDetection: ChangeDetectionStrategy.OnPush,
})
export class PaymentPage {
  readonly id = input.required<string>();
  protected readonly t = texts();
  protected readonly store = inject(PaymentStore);
  protected readonly errors = inject(Errors);
  protected readonly countdown = inject(Countdown);
  private readonly cart = inject(CartStore);
  private readonly format = inject(Format);
  private readonly shop = inject(ShopStore);
  private readonly clock = inject(ServerClock);

  protected readonly cards = computed(() => {
    const { cards } = this.t().pay;
    return (this.shop.facts()?.testCards ?? []).map(({ token, description }) => {
      const [name, effect] = cards[token] ?? [token, description];
      return { token, name, effect };
    });
  });
  protected readonly chosen = linkedSignal(() => this.cards()[0]?.token ?? '');
  private readonly factsAreRead = signal(false);
  /** How cards are charged: only those of the sandbox can be chosen on this page. */
  protected readonly provider = computed(() => {
    const name = this.shop.facts()?.paymentProvider;
    if (name) return { kind: name === 'sandbox' ? ('sandbox' as const) : ('other' as const), name: NAMES[name] ?? name };
    return { kind: this.factsAreRead() ? ('away' as const) : ('loading' as const), name: '' };
  });
  protected readonly deadline = computed(() => {
    const payBy = this.store.order()?.payBy;
    if (!payBy) return null;
    const left = Date.parse(payBy) - this.clock.now();
    return left <= 0 ? this.t().pay.deadlineOver : this.t().pay.deadline(this.format.span(left));
  });

  constructor() {
    const visits = inject(Visits);
    void this.readFacts();
    effect(() => void this.store.open(Number(this.id())));
    let wasPayable = false;
    effect(() => {
      const state = this.store.state();
      if (state === 'payable' || state === 'processing') wasPayable = true;
      if (state === 'paid' && wasPayable) {
        untracked(() => {
          visits.reached('purchase');
          void this.cart.reload();
          setTimeout(() => document.querySelector<HTMLElement>('main h1')?.focus());
        });
      }
    });
    effect(() => this.countdown.start(this.store.payError()?.retryAfter ?? 0));
  }

  protected async readFacts(): Promise<void> {
    this.factsAreRead.set(false);
    await this.shop.loadFacts();
    this.factsAreRead.set(true);
  }

  protected pay(event: Event): void {
    event.preventDefault();
    if (this.countdown.left() === 0) void this.store.pay(this.chosen());
  }
}
