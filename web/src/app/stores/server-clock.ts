import { DestroyRef, Injectable, computed, inject, signal } from '@angular/core';
import { CartStore } from './cart-store';

const TICK_MS = 15_000;

/** The present time by the server's clock, for "time left". Provide it in a page; it ticks every 15 seconds. */
@Injectable()
export class ServerClock {
  private readonly cart = inject(CartStore);
  private readonly device = signal(Date.now());
  /** Milliseconds since 1970. */
  readonly now = computed(() => this.device() + this.cart.clockOffset());

  constructor() {
    const timer = setInterval(() => this.device.set(Date.now()), TICK_MS);
    inject(DestroyRef).onDestroy(() => clearInterval(timer));
  }
}
