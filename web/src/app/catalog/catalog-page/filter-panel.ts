import { ChangeDetectionStrategy, Component, computed, effect, inject, signal } from '@angular/core';
import { RouterLink } from '@angular/router';
import { MoneyPipe, parseAmount, plainAmount } from '../../i18n/format';
import { texts } from '../../i18n/i18n';
import { ShopStore } from '../../stores/shop-store';
import { CatalogStore } from './catalog-store';

const SHOWN_BRANDS = 8;
let created = 0;

/** The filters of a list: beside it on a wide screen, in a drawer on a phone. */
@Component({
  selector: 'app-filter-panel',
  imports: [RouterLink, MoneyPipe],
  templateUrl: './filter-panel.html',
  styleUrl: './filter-panel.css',
  changeDetection: ChangeDetectionStrategy.OnPush,
})
export class FilterPanel {
  protected readonly t = texts();
  protected readonly store = inject(CatalogStore);
  protected readonly id = `filters-${++created}`;
  protected readonly from = signal('');
  protected readonly to = signal('');
  protected readonly wrong = signal(false);
  protected readonly isUnfolded = signal(false);
  private readonly shop = inject(ShopStore);
  protected readonly facets = computed(() => this.store.list()?.facets ?? null);
  protected readonly currency = computed(() => this.facets()?.price?.min.currency ?? this.shop.currency());
  protected readonly parent = computed(() => this.store.path().at(-2) ?? null);
  /** The most frequent brands and the chosen one; all of them once the list is unfolded. */
  protected readonly brands = computed(() => {
    const all = this.facets()?.brands ?? [];
    if (this.isUnfolded() || all.length <= SHOWN_BRANDS + 1) return { shown: all, hidden: 0 };
    const shown = all.filter(({ brand }, i) => i < SHOWN_BRANDS || brand === this.store.query().brand);
    return { shown, hidden: all.length - shown.length };
  });

  constructor() {
    effect(() => {
      const { minPrice, maxPrice } = this.store.query();
      const currency = this.currency();
      this.from.set(minPrice === null ? '' : plainAmount({ amount: minPrice, currency }));
      this.to.set(maxPrice === null ? '' : plainAmount({ amount: maxPrice, currency }));
    });
  }

  protected applyPrice(event: Event): void {
    event.preventDefault();
    const [minPrice, maxPrice] = [this.amount(this.from()), this.amount(this.to())];
    this.wrong.set(minPrice === undefined || maxPrice === undefined);
    if (minPrice !== undefined && maxPrice !== undefined) void this.store.apply({ minPrice, maxPrice });
  }

  /** `null` for an empty field, `undefined` for one that is no amount. */
  private amount(text: string): number | null | undefined {
    if (text.trim() === '') return null;
    return parseAmount(text, this.currency()) ?? undefined;
  }
}
