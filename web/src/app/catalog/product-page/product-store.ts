import { httpResource } from '@angular/common/http';
import { Injectable, computed, inject, linkedSignal, signal } from '@angular/core';
import type { Page, Product, ProductOption, Variant } from '../../api/types';
import { ShopStore } from '../../stores/shop-store';

const RELATED = 8;

/** An option of the product with its values; each leads to the variant that fits best. */
export interface OptionChoice {
  name: string;
  /** The value of the present variant; `null` if it lacks the option. */
  chosen: string | null;
  values: { value: string; isChosen: boolean; isSoldOut: boolean; slug: string | null }[];
}

/** The product that the address names, by slug or by id, with its variants and what goes with it. */
@Injectable()
export class ProductStore {
  private readonly shop = inject(ShopStore);
  private readonly wanted = signal<string | null>(null);
  private readonly found = httpResource<Product>(() => {
    const slug = this.wanted();
    if (slug === null) return undefined;
    // Mails link by id; the page then replaces the address by that of the slug.
    return /^\d+$/.test(slug) ? `/api/products/${slug}` : `/api/products/by-slug/${encodeURIComponent(slug)}`;
  });
  private readonly near = httpResource<Page<Product>>(() => {
    const product = this.product();
    return product ? `/api/products/${product.productId}/related` : undefined;
  });

  /** The previous variant stays while the next one loads: the page keeps its place. */
  readonly product = linkedSignal<{ value: Product | null; failed: boolean }, Product | null>({
    source: () => ({ value: this.found.hasValue() ? this.found.value() : null, failed: this.found.error() !== undefined }),
    computation: (now, before) => now.value ?? (now.failed ? null : isVariant(before?.value, this.wanted()) ? (before?.value ?? null) : null),
  });
  readonly error = computed(() => this.found.error());
  readonly isLoading = this.found.isLoading;
  readonly path = computed(() => {
    const product = this.product();
    return product ? this.shop.pathById(product.categoryId) : [];
  });
  readonly pictures = computed(() => this.product()?.pictures ?? []);
  /** What goes with the product; that of the previous variant until the next one's is there. */
  readonly related = linkedSignal<{ items: Product[] | null; groupId: number | null }, Product[]>({
    source: () => ({ items: this.near.hasValue() ? this.near.value().items : null, groupId: this.product()?.groupId ?? null }),
    computation: (now, before) => now.items?.slice(0, RELATED) ?? (before?.source.groupId === now.groupId ? before.value : []),
  });
  readonly options = computed<OptionChoice[]>(() => choicesOf(this.product()));

  show(slug: string): void {
    this.wanted.set(slug);
  }

  reload(): void {
    this.found.reload();
  }
}

function isVariant(product: Product | null | undefined, slug: string | null): boolean {
  return product?.variants?.some((variant) => variant.slug === slug) ?? false;
}

/** Arranges variants by option. A value leads to the variant that keeps the other options, if there is one. */
export function choicesOf(product: Pick<Product, 'options' | 'variants'> | null): OptionChoice[] {
  const variants = product?.variants ?? [];
  if (!product || variants.length < 2) return [];
  const chosen = product.options;
  const names = [...new Set(variants.flatMap((variant) => variant.options.map((option) => option.name)))];
  return names.map((name) => {
    const values = [...new Set(variants.map((variant) => valueOf(variant.options, name)).filter((value) => value !== null))];
    return {
      name,
      chosen: valueOf(chosen, name),
      values: values.map((value) => {
        const target = bestMatch(variants, chosen, { name, value });
        return { value, isChosen: valueOf(chosen, name) === value, isSoldOut: !target || target.stock === 0, slug: target?.slug ?? null };
      }),
    };
  });
}

function bestMatch(variants: Variant[], chosen: ProductOption[], wanted: ProductOption): Variant | null {
  const fitting = variants.filter((variant) => valueOf(variant.options, wanted.name) === wanted.value);
  const score = (variant: Variant) => variant.options.filter((option) => valueOf(chosen, option.name) === option.value).length;
  return fitting.reduce<Variant | null>((best, variant) => (!best || score(variant) > score(best) ? variant : best), null);
}

function valueOf(options: ProductOption[], name: string): string | null {
  return options.find((option) => option.name === name)?.value ?? null;
}
