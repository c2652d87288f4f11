import { HttpClient } from '@angular/common/http';
import { Injectable, computed, effect, inject, signal, untracked } from '@angular/core';
import { firstValueFrom } from 'rxjs';
import type { Failure } from '../api/problem';
import { failureOf } from '../api/problem';
import { keyFor, answered } from '../api/keys';
import type { Cart, CartItem, Wishlist } from '../api/types';
import { Session } from '../session/session';

/** The visitor's cart, for every page. Each change answers with the whole cart. */
@Injectable({ providedIn: 'root' })
export class CartStore {
  private readonly http = inject(HttpClient);
  private readonly session = inject(Session);
  private readonly cart = signal<Cart | null>(null);
  private readonly failed = signal<Failure | null>(null);
  private readonly reading = signal(false);
  private readonly changing = signal(0);
  private readonly opened = signal(false);
  /** Server's clock less this device's, in milliseconds. */
  private readonly offset = signal(0);
  private latest = 0;

  readonly clockOffset = this.offset.asReadonly();
  readonly isOpen = this.opened.asReadonly();
  readonly failure = this.failed.asReadonly();
  readonly isLoading = computed(() => this.reading() && !this.cart());
  readonly isBusy = computed(() => this.changing() > 0);
  readonly isLoaded = computed(() => this.cart() !== null);
  readonly active = computed(() => this.itemsIn('active'));
  readonly ordered = computed(() => this.itemsIn('ordered'));
  readonly subtotal = computed(() => this.cart()?.subtotal ?? null);
  readonly count = computed(() => this.active().reduce((sum, item) => sum + item.quantity, 0));
  /** True if something in it must be put right before it can be ordered. */
  readonly needsAttention = computed(() => this.active().some((item) => !isOrderable(item)));

  constructor() {
    // Another identity has another cart.
    effect(() => {
      const user = this.session.user()?.userId;
      untracked(() => {
        this.cart.set(null);
        if (user !== undefined) void this.reload();
      });
    });
  }

  open(): void {
    this.opened.set(true);
    void this.reload();
  }

  close(): void {
    this.opened.set(false);
  }

  async reload(): Promise<void> {
    await this.session.restore();
    if (!this.session.user()) return;
    const turn = ++this.latest;
    this.reading.set(true);
    try {
      const cart = await firstValueFrom(this.http.get<Cart>('/api/cart'));
      // A change that was made meanwhile answers with a newer cart.
      if (turn === this.latest && this.changing() === 0) this.take(cart);
    } catch (error) {
      if (turn === this.latest) this.failed.set(failureOf(error));
    } finally {
      this.reading.set(false);
    }
  }

  /** Adds a product; makes a guest first if the visitor is unknown. */
  async add(productId: number, quantity = 1): Promise<void> {
    await this.session.ensureShopper();
    const body = { productId, quantity };
    const act = `cart.${productId}`;
    const headers = { 'Idempotency-Key': keyFor(act, body) };
    await this.change(this.http.post<Cart>('/api/cart', body, { headers })).finally(() => answered(act));
  }

  setQuantity(item: CartItem, quantity: number): Promise<void> {
    return this.change(this.http.patch<Cart>(`/api/cart/items/${item.cartItemId}`, { quantity }));
  }

  remove(item: CartItem): Promise<void> {
    return this.change(this.http.delete<Cart>(`/api/cart/items/${item.cartItemId}`));
  }

  /** Moves the cart of the guest that the visitor was to the account that signed in. */
  merge(guestToken: string): Promise<void> {
    return this.change(this.http.post<Cart>('/api/cart/merge', { guestToken }));
  }

  async saveForLater(item: CartItem): Promise<void> {
    await firstValueFrom(this.http.post<Wishlist>('/api/wishlist', { productId: item.productId }));
    await this.remove(item);
  }

  /** Takes a cart that another call answered with, such as moving a wish. */
  take(cart: Cart): void {
    this.cart.set(cart);
    this.failed.set(null);
    if (cart.now) this.offset.set(Date.parse(cart.now) - Date.now());
  }

  private async change(call: ReturnType<typeof this.http.get<Cart>>): Promise<void> {
    this.changing.update((n) => n + 1);
    try {
      this.take(await firstValueFrom(call));
    } catch (error) {
      // The page may be out of date: an item that expired, another tab.
      if (failureOf(error).status === 404) void this.reload();
      throw error;
    } finally {
      this.latest += 1;
      this.changing.update((n) => n - 1);
    }
  }

  private itemsIn(state: CartItem['state']): CartItem[] {
    return this.cart()?.items.filter((item) => item.state === state) ?? [];
  }
}

/** True if `item` can be ordered in its quantity, as far as the cart knows. */
export function isOrderable(item: CartItem): boolean {
  return item.available && (item.stock == null || item.stock >= item.quantity);
}
