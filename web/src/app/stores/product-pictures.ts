import { httpResource } from '@angular/common/http';
import { Injectable, computed, signal } from '@angular/core';
import type { Page, Product } from '../api/types';

/** Ids that the API takes at once. */
const MOST = 100;

/** Pictures of products by id, such as those of an order's lines. Provide it in a page. */
@Injectable()
export class ProductPictures {
  // As text, so that the same ids in a new list are not read again.
  private readonly ids = signal('');
  private readonly found = httpResource<Page<Product>>(() => (this.ids() ? { url: '/api/products', params: { ids: this.ids() } } : undefined));

  /** Lacks products that the shop does not sell any more. */
  readonly byId = computed(() => new Map(this.found.hasValue() ? this.found.value().items.map(({ productId, imageUrl }) => [productId, imageUrl ?? null]) : []));

  show(ids: readonly number[]): void {
    this.ids.set([...new Set(ids)].slice(0, MOST).join(','));
  }
}
