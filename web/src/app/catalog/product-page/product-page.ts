import { Location } from '@angular/common';
import { ChangeDetectionStrategy, Component, computed, effect, inject, input, linkedSignal, signal, untracked } from '@angular/core';
import { Router, RouterLink } from '@angular/router';
import { failureOf } from '../../api/problem';
import { attributesOf, chosenOptions, isReduced } from '../../api/product';
import { MoneyPipe } from '../../i18n/format';
import { texts } from '../../i18n/i18n';
import { Session } from '../../session/session';
import { CartStore } from '../../stores/cart-store';
import { Visits } from '../../stores/visits';
import { WishStore } from '../../stores/wish-store';
import { Empty } from '../../ui/empty';
import { Errors } from '../../ui/errors';
import { Failed } from '../../ui/failed';
import { FirstView } from '../../ui/first-view';
import { Icon } from '../../ui/icon';
import { PageTitle } from '../../ui/page-title';
import { ProductCard } from '../../ui/product-card';
import { Quantity } from '../../ui/quantity';
import { Toasts } from '../../ui/toasts';
import { Gallery } from './gallery';
import { ProductStore } from './product-store';

const FEW = 5;

@Component({
  selector: 'app-product-page',
  imports: [RouterLink, MoneyPipe, Empty, Failed, Gallery, Icon, ProductCard, Quantity],
  providers: [ProductStore],
  templateUrl: './product-page.html',
  styleUrl: './product-page.css',
  changeDetection: ChangeDetectionStrategy.OnPush,
})
export class ProductPage {
  readonly slug = input.required<string>();
  protected readonly t = texts();
  protected readonly store = inject(ProductStore);
  protected readonly step = inject(FirstView).steps(3);
  protected readonly wishes = inject(WishStore);
  private readonly cart = inject(CartStore);
  private readonly session = inject(Session);
  private readonly router = inject(Router);
  private readonly toasts = inject(Toasts);
  private readonly errors = inject(Errors);
  private readonly visits = inject(Visits);

  protected readonly product = this.store.product;
  protected readonly chosen = computed(() => (this.product() ? chosenOptions(this.product()!) : ''));
  protected readonly before = computed(() => (this.product() ? isReduced(this.product()!) : null));
  protected readonly attributes = computed(() => (this.product() ? attributesOf(this.product()!) : []));
  protected readonly isFew = computed(() => (this.product()?.stock ?? 0) <= FEW);
  protected readonly isUnknown = computed(() => [400, 404].includes(failureOf(this.store.error()).status) && !!this.store.error());
  protected readonly isWished = computed(() => this.wishes.has(this.product()?.productId ?? 0));
  protected readonly isAdding = signal(false);
  protected readonly quantity = linkedSignal({ source: () => this.product()?.productId, computation: () => 1 });

  constructor() {
    const title = inject(PageTitle);
    const location = inject(Location);
    effect(() => this.store.show(this.slug()));
    effect(() => {
      const product = this.product();
      if (!product) return;
      title.set(product.name);
      // Mails link by id.
      const slug = untracked(this.slug);
      if (/^\d+$/.test(slug) && product.slug !== slug) location.replaceState(`/products/${product.slug}`);
    });
  }

  protected async add(): Promise<void> {
    const product = this.product();
    if (!product || this.isAdding()) return;
    this.isAdding.set(true);
    try {
      await this.cart.add(product.productId, this.quantity());
      this.visits.reached('cart');
      this.cart.open();
    } catch (error) {
      this.errors.toast(error);
    } finally {
      this.isAdding.set(false);
    }
  }

  protected async toggleWish(): Promise<void> {
    const product = this.product();
    if (!product) return;
    if (!this.session.isCustomer()) {
      void this.router.navigate(['/sign-in'], { queryParams: { returnUrl: this.router.url } });
      return;
    }
    try {
      if (this.isWished()) {
        await this.wishes.remove(product.productId);
        this.toasts.success(this.t().product.wishRemoved);
      } else {
        await this.wishes.add(product.productId);
        this.toasts.success(this.t().product.wishAdded);
      }
    } catch (error) {
      this.errors.toast(error);
    }
  }

  protected choose(slug: string | null): void {
    if (slug) void this.router.navigate(['/products', slug], { replaceUrl: true, state: { keepScroll: true } });
  }
}
