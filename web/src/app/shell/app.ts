import { ChangeDetectionStrategy, Component, effect, inject, signal } from '@angular/core';
import { NavigationEnd, NavigationStart, Router, RouterOutlet } from '@angular/router';
import { KNOWN_ANSWERS } from '../api/first-data';
import { CartDrawer } from '../cart/cart-drawer/cart-drawer';
import { texts } from '../i18n/i18n';
import { Session } from '../session/session';
import { CartStore } from '../stores/cart-store';
import { ShopStore } from '../stores/shop-store';
import { Visits } from '../stores/visits';
import { FirstView } from '../ui/first-view';
import { ToastArea } from '../ui/toast-area';
import { Toasts } from '../ui/toasts';
import { Footer } from './footer';
import { Header } from './header';
import { PageFocus } from './page-focus';

/** The frame of every page: header, footer, cart drawer, messages. The back office has a frame of its own. */
@Component({
  selector: 'app-root',
  imports: [RouterOutlet, Header, Footer, CartDrawer, ToastArea],
  template: `
    <a class="skip" href="#main" (click)="skip($event)">{{ t().common.skip }}</a>
    @if (isShop()) {
      @if (step() > 0) {
        <app-header />
      }
      <main id="main" tabindex="-1"><router-outlet /></main>
      @if (step() > 2) {
        <app-footer />
      }
    } @else {
      <router-outlet />
    }
    @if (drawerUsed()) {
      @defer {
        <app-cart-drawer />
      }
    }
    @if (toasts.isUsed()) {
      @defer {
        <app-toast-area />
      }
    }
  `,
  changeDetection: ChangeDetectionStrategy.OnPush,
})
export class App {
  protected readonly t = texts();
  protected readonly toasts = inject(Toasts);
  private readonly router = inject(Router);
  private readonly session = inject(Session);
  private readonly cart = inject(CartStore);
  private readonly focus = inject(PageFocus);
  private readonly answers = inject(KNOWN_ANSWERS);
  private readonly visits = inject(Visits);
  /** False for the back office, which has a frame of its own; its unknown addresses are pages of the shop. */
  protected readonly isShop = signal(!/^\/admin(\/|$)/.test(location.pathname));
  protected readonly drawerUsed = signal(false);
  /** The header takes two of them; the last one is for the page. */
  protected readonly step = inject(FirstView).steps(4);

  constructor() {
    void this.session.restore();
    const shop = inject(ShopStore);
    void shop.loadCategories();
    void shop.loadFacts();
    const started = effect(() => {
      if (this.step() < 4) return;
      started.destroy();
      this.router.initialNavigation();
    });
    effect(() => {
      if (this.cart.isOpen()) this.drawerUsed.set(true);
    });
    effect(() => {
      if (this.session.ended() > 0) {
        this.toasts.show({ severity: 'warn', summary: this.t().account.sessionEnded });
        void this.router.navigateByUrl('/sign-in');
      }
    });
    this.router.events.subscribe((event) => {
      if (event instanceof NavigationStart) {
        this.answers.returning = event.navigationTrigger === 'popstate';
      }
      if (event instanceof NavigationEnd) {
        this.isShop.set(this.router.routerState.snapshot.root.firstChild?.routeConfig?.path !== 'admin');
        this.cart.close();
        this.visits.page(event.urlAfterRedirects.split('?')[0] ?? '/');
        this.focus.afterNavigation(event.urlAfterRedirects);
        // The page has made its requests by then.
        setTimeout(() => (this.answers.returning = false), 300);
      }
    });
  }

  protected skip(event: Event): void {
    event.preventDefault();
    document.getElementById('main')?.focus();
  }
}
