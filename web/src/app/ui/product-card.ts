import { ChangeDetectionStrategy, Component, computed, input } from '@angular/core';
import { RouterLink } from '@angular/router';
import { cardOf } from '../api/product';
import type { Product } from '../api/types';
import { MoneyPipe } from '../i18n/format';
import { texts } from '../i18n/i18n';
import { Picture } from './picture';

/** A group of variants, or a product alone, in a list: one link. */
@Component({
  selector: 'app-product-card',
  imports: [RouterLink, Picture, MoneyPipe],
  template: `<a class="card" [routerLink]="['/products', product().slug]">
    <app-picture [url]="card().picture" [eager]="eager()" [priority]="priority()" />
    <span class="maker">{{ product().brand }}</span>
    <span class="name">{{ card().name }}</span>
    <span class="price">
      @if (card().before) {
        <span class="vh">{{ t().card.now }}</span>
      }
      @if (card().pricesDiffer) {
        {{ t().card.from }}
      }
      {{ card().price | money }}
      @if (card().before; as was) {
        <s class="was"><span class="vh">{{ t().card.was }}</span> {{ was | money }}</s>
      }
    </span>
    @if (product().stock === 0) {
      <span class="badge">{{ t().card.soldOut }}</span>
    } @else if (card().before) {
      <span class="badge sale">{{ t().card.sale }}</span>
    }
  </a>`,
  styles: ':host { display: block; min-width: 0; }',
  changeDetection: ChangeDetectionStrategy.OnPush,
})
export class ProductCard {
  readonly product = input.required<Product>();
  readonly eager = input(false);
  readonly priority = input(false);
  protected readonly t = texts();
  protected readonly card = computed(() => cardOf(this.product()));
}
