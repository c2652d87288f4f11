import { HttpClient } from '@angular/common/http';
import { Injectable, computed, effect, inject, signal, untracked } from '@angular/core';
import { firstValueFrom } from 'rxjs';
import type { Failure } from '../api/problem';
import { failureOf } from '../api/problem';
import type { Cart, Wish, Wishlist } from '../api/types';
import { Session } from '../session/session';
import { CartStore } from './cart-store';

/** The wishlist of a customer, for the hearts on product pages and the page itself. */
@Injectable({ providedIn: 'root' })
export class WishStore {
  private readonly http = inject(HttpClient);
  private readonly session = inject(Session);
  private readonly cart = inject(CartStore);
  private readonly list = signal<Wishlist | null>(null);
  private readonly failed = signal<Failure | null>(null);

  readonly items = computed<Wish[]>(() => this.list()?.items ?? []);
  readonly isLoaded = computed(() => this.list() !== null);
  readonly failure = this.failed.asReadonly();
  private readonly ids = computed(() => new Set(this.items().map((item) => item.productId)));

  constructor() {
    effect(() => {
      const user = this.session.user()?.userId;
      untracked(() => {
        this.list.set(null);
        if (user !== undefined && this.session.isCustomer()) void this.reload();
      });
    });
  }

  has(productId: number): boolean {
    return this.ids().has(productId);
  }

  async reload(): Promise<void> {
    try {
      this.take(await firstValueFrom(this.http.get<Wishlist>('/api/wishlist')));
    } catch (error) {
      this.failed.set(failureOf(error));
    }
  }

  async add(productId: number): Promise<void> {
    this.take(await firstValueFrom(this.http.post<Wishlist>('/api/wishlist', { productId })));
  }

  async remove(productId: number): Promise<void> {
    this.take(await firstValueFrom(this.http.delete<Wishlist>(`/api/wishlist/${productId}`)));
  }

  async moveToCart(productId: number): Promise<void> {
    this.cart.take(await firstValueFrom(this.http.post<Cart>(`/api/wishlist/${productId}/move-to-cart`, {})));
    await this.reload();
  }

  private take(list: Wishlist): void {
    this.list.set(list);
    this.failed.set(null);
  }
}
