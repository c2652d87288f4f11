import { httpResource } from '@angular/common/http';
import { Injectable, computed, signal } from '@angular/core';
import { cardOf } from '../api/product';
import type { ProductList, Suggestions } from '../api/types';

const DELAY_MS = 150;
const SHOWN = 5;

/** Suggestions for what is being typed into the search field. */
@Injectable()
export class SuggestStore {
  private readonly words = signal('');
  private timer: ReturnType<typeof setTimeout> | undefined;
  private readonly found = httpResource<ProductList>(() => {
    const q = this.words();
    return q.length < 2 ? undefined : { url: '/api/products', params: { q, size: SHOWN } };
  });

  readonly query = this.words.asReadonly();
  readonly suggestions = computed<Suggestions | null>(() => {
    if (!this.found.hasValue()) return null;
    const { items, facets, total } = this.found.value();
    const words = this.words().toLowerCase();
    return {
      products: items.map((product) => {
        const { name, price, pricesDiffer, picture } = cardOf(product);
        return { productId: product.productId, slug: product.slug, name, price, pricesDiffer, imageUrl: picture, brand: product.brand ?? null };
      }),
      categories: facets.categories.filter(({ count, name }) => count > 0 && name.toLowerCase().includes(words)).slice(0, 3),
      brands: facets.brands.filter(({ brand }) => brand.toLowerCase().includes(words)).slice(0, 2).map(({ brand }) => brand),
      total,
    };
  });

  type(text: string): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.words.set(text.trim().slice(0, 200)), DELAY_MS);
  }

  clear(): void {
    clearTimeout(this.timer);
    this.words.set('');
  }
}
