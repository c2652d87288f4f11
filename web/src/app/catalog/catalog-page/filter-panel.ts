import { ChangeDetectionStrategy, Component, computed, effect, inject, signal } from '@angular/core';
import { RouterLink } from '@angular/router';
import { MoneyPipe, parseAmount, plainAmount } from '../../i18n/format';
import { texts } from '../../i18n/i18n';
import type { OptionFacet } from '../../api/types';
import { ShopStore } from '../../stores/shop-store';
import { CatalogStore } from './catalog-store';

const SHOWN_BRANDS = 8;
const SHOWN_VALUES = 6;
const MAX_OPTIONS = 6;
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
  /** The most frequent brands and the chosen ones; all of them once the list is unfolded. */
  protected readonly brands = computed(() => {
    const all = this.facets()?.brands ?? [];
    if (this.isUnfolded() || all.length <= SHOWN_BRANDS + 1) return { shown: all, hidden: 0 };
    const shown = all.filter(({ brand }, i) => i < SHOWN_BRANDS || this.store.query().brands.includes(brand));
    return { shown, hidden: all.length - shown.length };
  });

  /** Options that most products have, and those that are chosen; of each the first values and the chosen ones. */
  protected readonly options = computed(() => {
    const chosen = this.store.query().options;
    const products = ({ values }: OptionFacet) => values.reduce((sum, { count }) => sum + count, 0);
    const all = this.facets()?.options ?? [];
    const useful = all.filter(({ name, values }) => values.length > 1 || chosen[name]);
    const most = [...useful].sort((a, b) => Number(!!chosen[b.name]) - Number(!!chosen[a.name]) || products(b) - products(a)).slice(0, MAX_OPTIONS);
    return useful
      .filter((option) => most.includes(option))
      .map(({ name, values }) => {
        const isShort = values.length <= SHOWN_VALUES + 1 || this.unfolded().has(name);
        const shown = values.filter(({ value }, i) => isShort || i < SHOWN_VALUES || chosen[name]?.includes(value));
        return { name, values: shown, hidden: values.length - shown.length };
      });
  });
  private readonly unfolded = signal<ReadonlySet<string>>(new Set());

  constructor() {
    effect(() => {
      const { minPrice, maxPrice } = this.store.query();
      const currency = this.currency();
      this.from.set(minPrice === null ? '' : plainAmount({ amount: minPrice, currency }));
      this.to.set(maxPrice === null ? '' : plainAmount({ amount: maxPrice, currency }));
    });
  }

  protected unfold(name: string): void {
    this.unfolded.update((names) => new Set([...names, name]));
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
