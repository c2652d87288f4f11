import { httpResource } from '@angular/common/http';
import { Injectable, computed, inject, linkedSignal, signal } from '@angular/core';
import { toSignal } from '@angular/core/rxjs-interop';
import { ActivatedRoute, Router } from '@angular/router';
import type { CategoryFacet, ProductList } from '../../api/types';
import { ShopStore } from '../../stores/shop-store';
import type { ListQuery } from './list-query';
import { PAGE_SIZE, addressOf, readQuery, removedOptions, requestOf, toggled, withOption, withoutFilters } from './list-query';

/** One filter that is set, as a chip shows it. */
export interface Chip {
  kind: 'price' | 'inStock' | 'brand' | 'option';
  value: string;
  /** Name of the option. */
  name?: string;
}

/** The list of products that the address describes. */
@Injectable()
export class CatalogStore {
  private readonly router = inject(Router);
  private readonly route = inject(ActivatedRoute);
  private readonly shop = inject(ShopStore);
  private readonly params = toSignal(this.route.queryParamMap, { requireSync: true });
  private readonly slug = signal<string | null>(null);

  readonly query = computed<ListQuery>(() => readQuery(this.slug(), this.params()));
  private readonly found = httpResource<ProductList>(() => ({ url: '/api/products', params: requestOf(this.query()) }));

  /** The list; the previous one while the next loads, so that filters do not make the page jump. */
  readonly list = linkedSignal<{ value: ProductList | null; query: ListQuery }, ProductList | null>({
    source: () => ({ value: this.found.hasValue() ? this.found.value() : null, query: this.query() }),
    computation: (now, before) => now.value ?? (before && isSameList(before.source.query, now.query) ? before.value : null),
  });
  readonly isLoading = this.found.isLoading;
  readonly error = computed(() => this.found.error());
  readonly pages = computed(() => Math.max(1, Math.ceil((this.list()?.total ?? 0) / PAGE_SIZE)));
  readonly category = computed(() => {
    const slug = this.slug();
    return slug ? (this.shop.path(slug).at(-1) ?? null) : null;
  });
  readonly path = computed(() => {
    const slug = this.slug();
    return slug ? this.shop.path(slug) : [];
  });
  /** Categories to narrow the list down: the children of the present one, with their numbers. */
  readonly narrower = computed<CategoryFacet[]>(() => {
    const facets = this.list()?.facets.categories ?? [];
    const parent = this.category()?.categoryId ?? null;
    return facets
      .filter((facet) => (facet.parentId ?? null) === parent && facet.count > 0)
      .sort((a, b) => a.name.localeCompare(b.name));
  });
  readonly chips = computed<Chip[]>(() => {
    const { minPrice, maxPrice, inStock, brands, options } = this.query();
    const chips: Chip[] = [];
    if (minPrice !== null || maxPrice !== null) chips.push({ kind: 'price', value: '' });
    if (inStock) chips.push({ kind: 'inStock', value: '' });
    for (const value of brands) chips.push({ kind: 'brand', value });
    for (const [name, values] of Object.entries(options)) {
      for (const value of values) chips.push({ kind: 'option', name, value });
    }
    return chips;
  });

  show(slug: string | null): void {
    this.slug.set(slug);
  }

  /** Changes the list by changing the address; starts at the first page unless `change` names one. */
  apply(change: Partial<ListQuery>): Promise<boolean> {
    const query = { ...this.query(), page: 0, ...change };
    return this.router.navigate([], {
      relativeTo: this.route,
      queryParams: { ...removedOptions(this.query(), query), ...addressOf(query) },
      queryParamsHandling: 'merge',
      state: { keepScroll: change.page === undefined },
    });
  }

  toggleBrand(brand: string): Promise<boolean> {
    return this.apply({ brands: toggled(this.query().brands, brand) });
  }

  toggleOption(name: string, value: string): Promise<boolean> {
    return this.apply({ options: withOption(this.query().options, name, value) });
  }

  remove(chip: Chip): Promise<boolean> {
    switch (chip.kind) {
      case 'price':
        return this.apply({ minPrice: null, maxPrice: null });
      case 'inStock':
        return this.apply({ inStock: false });
      case 'brand':
        return this.toggleBrand(chip.value);
      case 'option':
        return this.toggleOption(chip.name ?? '', chip.value);
    }
  }

  clear(): Promise<boolean> {
    return this.apply(withoutFilters(this.query()));
  }

  reload(): void {
    this.found.reload();
  }
}

/** True if `b` is `a` with other filters, sort order or page. */
function isSameList(a: ListQuery, b: ListQuery): boolean {
  return a.category === b.category && a.q === b.q;
}
