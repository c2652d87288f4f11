import { httpResource } from '@angular/common/http';
import { Injectable, computed } from '@angular/core';
import type { CategoryFacet, Product, ProductList } from '../../api/types';

const BEST_SOLD = '/api/products?size=8';
const NEWEST = '/api/products?size=8&sort=newest';

/** Data of the home page: what sells best, what is new, and the departments with their numbers. */
@Injectable()
export class HomeStore {
  private readonly best = httpResource<ProductList>(() => BEST_SOLD);
  private readonly newest = httpResource<ProductList>(() => NEWEST);

  readonly bestsellers = computed<Product[] | null>(() => (this.best.hasValue() ? this.best.value().items : null));
  readonly news = computed<Product[] | null>(() => (this.newest.hasValue() ? this.newest.value().items : null));
  readonly error = computed(() => this.best.error());
  readonly newsError = computed(() => this.newest.error());
  readonly total = computed(() => (this.best.hasValue() ? this.best.value().total : null));
  readonly departments = computed<CategoryFacet[]>(() =>
    this.best.hasValue() ? this.best.value().facets.categories.filter((category) => category.parentId == null && category.count > 0) : [],
  );

  reload(): void {
    this.best.reload();
    this.newest.reload();
  }
}
