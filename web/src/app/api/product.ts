import type { Money, Product } from './types';

/** Attributes that customers do not read. */
const NOT_SHOWN = new Set(['Barcode']);

/** What a card shows: a group of variants, or a product alone. */
export interface CardFacts {
  name: string;
  /** The lowest price of the group. */
  price: Money;
  pricesDiffer: boolean;
  /** The price before a reduction; `null` where variants have different prices, since it is the price of one of them. */
  before: Money | null;
  picture: string | null;
}

export function cardOf(product: Product): CardFacts {
  const pricesDiffer = product.pricesDiffer ?? false;
  return {
    name: product.groupName,
    price: product.priceFrom ?? product.price,
    pricesDiffer,
    before: pricesDiffer ? null : isReduced(product),
    picture: product.imageUrl ?? null,
  };
}

/** The price before, if it was higher than the present one. */
export function isReduced(product: Pick<Product, 'price' | 'compareAtPrice'>): Money | null {
  const before = product.compareAtPrice;
  return before && before.amount > product.price.amount ? before : null;
}

/** The values of a variant's options, such as "26 cm, red"; empty for a product alone. */
export function chosenOptions(product: Pick<Product, 'options'>): string {
  return product.options.map(({ value }) => value).join(', ');
}

export function attributesOf(product: Pick<Product, 'attributes'>): { name: string; value: string }[] {
  return Object.entries(product.attributes)
    .filter(([name]) => !NOT_SHOWN.has(name))
    .map(([name, value]) => ({ name, value }));
}
