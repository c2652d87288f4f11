import { Injectable, inject } from '@angular/core';
import type { User } from '../api/types';
import { Session } from '../session/session';
import { CartStore } from './cart-store';

/** Sign-in and registration, which keep the cart that the visitor filled as a guest. */
@Injectable({ providedIn: 'root' })
export class Entry {
  private readonly session = inject(Session);
  private readonly cart = inject(CartStore);

  signIn(email: string, password: string): Promise<User> {
    return this.keepingCart(() => this.session.signIn(email, password));
  }

  register(email: string, password: string): Promise<User> {
    return this.keepingCart(() => this.session.register(email, password));
  }

  private async keepingCart(enter: () => Promise<User>): Promise<User> {
    await this.session.restore();
    const guestToken = this.session.user()?.role === 'guest' ? this.session.currentToken() : null;
    const user = await enter();
    if (guestToken) await this.cart.merge(guestToken);
    return user;
  }
}
