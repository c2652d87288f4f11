import { ChangeDetectionStrategy, Component, ElementRef, computed, effect, inject, input, signal, viewChild } from '@angular/core';
import { RouterLink } from '@angular/router';
import { failureOf } from '../../api/problem';
import { Format } from '../../i18n/format';
import { texts } from '../../i18n/i18n';
import { ShopStore } from '../../stores/shop-store';
import { Announcer } from '../../ui/announcer';
import { Empty } from '../../ui/empty';
import { Failed } from '../../ui/failed';
import { FirstView } from '../../ui/first-view';
import { Icon } from '../../ui/icon';
import { media } from '../../ui/media';
import { PageTitle } from '../../ui/page-title';
import { Pages } from '../../ui/pages';
import { ProductCard } from '../../ui/product-card';
import { SkeletonGrid } from '../../ui/skeleton-grid';
import type { Chip } from './catalog-store';
import { CatalogStore } from './catalog-store';
import { FilterDrawer } from './filter-drawer';
import { FilterPanel } from './filter-panel';
import type { Sort } from './list-query';
import { SORTS } from './list-query';

/** Products that the first page draws at once. */
const DRAWN_PER_STEP = 4;

/** A category, or the results of a search. */
@Component({
  selector: 'app-catalog-page',
  imports: [RouterLink, Empty, Failed, FilterDrawer, FilterPanel, Icon, Pages, ProductCard, SkeletonGrid],
  providers: [CatalogStore],
  templateUrl: './catalog-page.html',
  styleUrl: './catalog-page.css',
  changeDetection: ChangeDetectionStrategy.OnPush,
})
export class CatalogPage {
  readonly slug = input<string>();
  protected readonly t = texts();
  protected readonly store = inject(CatalogStore);
  protected readonly sorts = SORTS;
  protected readonly drawerOpen = signal(false);
  protected readonly isWide = media('(min-width: 1024px)');
  protected readonly step = inject(FirstView).steps(5);
  /** Number of products that are drawn so far. */
  protected readonly shown = computed(() => (this.step() < 5 ? (this.step() + 1) * DRAWN_PER_STEP : undefined));
  private readonly format = inject(Format);
  private readonly shop = inject(ShopStore);
  private readonly count = viewChild<ElementRef<HTMLElement>>('count');

  protected readonly heading = computed(() => {
    const { q, brands } = this.store.query();
    const brand = brands.length === 1 ? brands[0] : null;
    const category = this.store.category()?.name;
    if (q) return category ? `${category}: ${this.t().catalog.resultsFor(q)}` : this.t().catalog.resultsFor(q);
    return category ?? (this.slug() ? '' : (brand ?? this.t().catalog.allTitle));
  });
  protected readonly chips = computed(() => this.store.chips().map((chip) => ({ chip, label: this.labelOf(chip) })));
  protected readonly isUnknown = computed(() => failureOf(this.store.error()).status === 404 && !!this.slug());

  constructor() {
    const title = inject(PageTitle);
    const announcer = inject(Announcer);
    let announced: number | null = null;
    effect(() => this.store.show(this.slug() ?? null));
    effect(() => {
      if (this.heading()) title.set(this.heading());
    });
    effect(() => {
      const list = this.store.list();
      if (!list || this.store.isLoading()) return;
      if (announced !== null) announcer.say(this.t().catalog.results(list.total));
      announced = list.total;
    });
  }

  protected sortBy(sort: string): void {
    void this.store.apply({ sort: sort as Sort });
  }

  protected async removeChip(chip: Chip): Promise<void> {
    await this.store.remove(chip);
    this.focusCount();
  }

  protected async clear(): Promise<void> {
    await this.store.clear();
    this.focusCount();
  }

  protected async turnTo(page: number): Promise<void> {
    await this.store.apply({ page });
    this.focusCount();
  }

  /** The button that was pressed is gone; the count is what changed. */
  private focusCount(): void {
    this.count()?.nativeElement.focus({ preventScroll: true });
  }

  private labelOf(chip: Chip): string {
    const { catalog } = this.t();
    switch (chip.kind) {
      case 'price': {
        const { minPrice, maxPrice } = this.store.query();
        const currency = this.store.list()?.facets.price?.min.currency ?? this.shop.currency();
        const money = (amount: number | null) => (amount === null ? null : this.format.money({ amount, currency }));
        return catalog.priceRange(money(minPrice), money(maxPrice));
      }
      case 'inStock':
        return catalog.inStock;
      case 'brand':
        return chip.value;
      case 'option':
        return `${chip.name}: ${chip.value}`;
    }
  }
}
