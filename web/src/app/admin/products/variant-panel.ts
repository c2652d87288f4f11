import { httpResource } from '@angular/common/http';
import { ChangeDetectionStrategy, Component, computed, input, output, signal } from '@angular/core';
import { RouterLink } from '@angular/router';
import { chosenOptions } from '../../api/product';
import type { Product, ProductList } from '../../api/types';
import { adminTexts } from '../../i18n/admin-texts';
import { MoneyPipe } from '../../i18n/format';
import { Failed } from '../../ui/failed';
import { Icon } from '../../ui/icon';
import { SkeletonLines } from '../../ui/lines';

const FOUND = 5;

/** The group of variants that a product belongs to: the others, a new one, and joining or leaving a group. */
@Component({
  selector: 'app-variant-panel',
  imports: [RouterLink, Failed, Icon, MoneyPipe, SkeletonLines],
  template: `<section class="panel stack" aria-labelledby="product-variants">
    <h2 id="product-variants">{{ a().products.versions }}</h2>
    @if (variants().length > 1) {
      <div class="rows">
        @for (variant of variants(); track variant.productId) {
          <div>
            @if (variant.productId === product().productId) {
              <span class="strong">{{ variant.label }}</span>
            } @else {
              <a [routerLink]="['/admin/products', variant.productId]">{{ variant.label }}</a>
            }
            <span class="num">{{ variant.price | money }} · {{ a().products.stock }} {{ variant.stock }}</span>
          </div>
        }
      </div>
    } @else {
      <p class="muted">{{ a().products.alone }}</p>
    }
    <div class="row">
      <a class="btn quiet" routerLink="/admin/products/new" [queryParams]="{ like: product().productId }"><app-icon name="plus" [size]="18" />{{ a().products.addVersion }}</a>
      @if (variants().length > 1) {
        <button type="button" class="btn quiet" (click)="left.emit()">{{ a().products.leaveGroup }}</button>
      } @else {
        <button type="button" class="btn quiet" [attr.aria-expanded]="isJoining()" (click)="isJoining.set(!isJoining())">{{ a().products.joinGroup }}</button>
      }
    </div>
    @if (isJoining() && variants().length < 2) {
      <div class="stack-s">
        <div class="field">
          <label for="group-search">{{ a().products.joinSearch }}</label>
          <div class="search"><input #words id="group-search" class="input" type="search" maxlength="200" autocomplete="off" (keydown.enter)="find($event, words.value)" />
            <button type="button" class="btn quiet" (click)="find($event, words.value)"><app-icon name="search" [size]="18" /><span class="vh">{{ a().list.find }}</span></button></div>
        </div>
        @if (found.hasValue()) {
          <ul role="list" class="rows">
            @for (other of others(); track other.productId) {
              <li><span>{{ other.name }} <span class="muted mono">{{ other.sku }}</span></span><button type="button" class="link-btn" (click)="joined.emit(other.productId)">{{ a().products.join }}<span class="vh">: {{ other.name }}</span></button></li>
            } @empty {
              <li class="muted">{{ a().list.empty }}</li>
            }
          </ul>
        } @else if (found.error()) {
          <app-failed [error]="found.error()" (retry)="found.reload()" />
        } @else if (found.isLoading()) {
          <app-skeleton-lines [count]="1" />
        }
      </div>
    }
  </section>`,
  styles: `
    .search { display: flex; gap: 8px; }
    li { display: flex; justify-content: space-between; align-items: center; gap: 16px; min-height: 44px; }
  `,
  changeDetection: ChangeDetectionStrategy.OnPush,
})
export class VariantPanel {
  readonly product = input.required<Product>();
  /** The product whose group this one shall belong to. */
  readonly joined = output<number>();
  readonly left = output();
  protected readonly a = adminTexts();
  protected readonly isJoining = signal(false);
  private readonly words = signal('');
  protected readonly variants = computed(() =>
    (this.product().variants ?? []).map((variant) => ({ ...variant, label: chosenOptions(variant) || variant.slug })),
  );
  protected readonly found = httpResource<ProductList>(() => {
    const q = this.words();
    return q === '' ? undefined : { url: '/api/products', params: { q, groups: false, size: FOUND + 1 } };
  });
  protected readonly others = computed(() => {
    if (!this.found.hasValue()) return [];
    return this.found.value().items.filter(({ productId }) => productId !== this.product().productId).slice(0, FOUND);
  });

  protected find(event: Event, words: string): void {
    // The panel stands in the form of the product, which Enter would send.
    event.preventDefault();
    this.words.set(words.trim());
  }
}
