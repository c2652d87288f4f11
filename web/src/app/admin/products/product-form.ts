import { FormArray, FormControl, FormGroup, Validators } from '@angular/forms';
import type { Money, Product, ProductOption, ProductPicture } from '../../api/types';
import { parseAmount, plainAmount } from '../../i18n/format';

/** A product as the form edits it. */
export interface ProductDraft {
  name: string;
  sku: string;
  slug: string;
  description: string;
  /** Empty for a description without formatting. */
  descriptionHtml: string;
  price: Money;
  compareAtPrice: Money | null;
  brand: string | null;
  categoryId: number;
  lowStockAt: number;
  tags: string[];
  options: ProductOption[];
  pictures: ProductPicture[];
  attributes: Record<string, string>;
}

/** Between the name of a group and the values of a variant, as the shop writes names from files. */
const TITLE_END = ' – ';
const VALUE_END = ' / ';

/** Attributes that no two variants share. */
const OF_ONE_VARIANT = new Set(['Barcode']);

const text = (value = '') => new FormControl(value, { nonNullable: true });
const required = (max: number) => new FormControl('', { nonNullable: true, validators: [Validators.required, Validators.maxLength(max)] });
const optional = (max: number) => new FormControl('', { nonNullable: true, validators: [Validators.maxLength(max)] });
const whole = (value: string, pattern: RegExp) => new FormControl(value, { nonNullable: true, validators: [Validators.required, Validators.pattern(pattern)] });

/** A row of a name and a value: an attribute or an option. */
export const pair = (name = '', value = '') => new FormGroup({ name: text(name), value: text(value) });
export const pictureRow = (picture: ProductPicture) => new FormGroup({ picture: new FormControl(picture, { nonNullable: true }), alt: text(picture.alt) });

export type PairRow = ReturnType<typeof pair>;
export type PictureRow = ReturnType<typeof pictureRow>;

export function productForm() {
  return new FormGroup({
    name: required(255),
    sku: optional(100),
    slug: optional(150),
    description: optional(10_000),
    descriptionHtml: optional(60_000),
    price: required(20),
    compareAtPrice: optional(20),
    brand: optional(120),
    tags: optional(5_000),
    categoryId: required(20),
    lowStockAt: whole('5', /^\d{1,6}$/),
    stock: whole('0', /^\d{1,7}$/),
    options: new FormArray<PairRow>([]),
    pictures: new FormArray<PictureRow>([]),
    attributes: new FormArray<PairRow>([]),
  });
}
export type ProductFormGroup = ReturnType<typeof productForm>;

/** Shows `product` in `form`, and forgets what was typed. */
export function fillForm(form: ProductFormGroup, product: Product): void {
  const { options, pictures, attributes } = form.controls;
  refill(options, product.options.map(({ name, value }) => pair(name, value)));
  refill(pictures, product.pictures.map(pictureRow));
  refill(attributes, Object.entries(product.attributes).map(([name, value]) => pair(name, value)));
  form.markAsPristine();
  form.patchValue({
    name: product.name,
    sku: product.sku,
    slug: product.slug,
    description: product.description,
    descriptionHtml: product.descriptionHtml ?? '',
    price: plainAmount(product.price),
    compareAtPrice: product.compareAtPrice ? plainAmount(product.compareAtPrice) : '',
    brand: product.brand ?? '',
    tags: product.tags.join(', '),
    categoryId: String(product.categoryId),
    lowStockAt: String(product.lowStockAt),
    stock: String(product.stock),
  });
}

/** Prepares `form` for another variant beside `product`: what they have in common, and the options without values. */
export function fillVariant(form: ProductFormGroup, product: Product): void {
  fillForm(form, product);
  const { options, pictures, attributes } = form.controls;
  refill(attributes, attributes.controls.filter(({ value }) => !OF_ONE_VARIANT.has(value.name ?? '')));
  refill(options, product.options.length > 0 ? product.options.map(({ name }) => pair(name)) : [pair()]);
  pictures.clear();
  form.patchValue({ name: product.groupName, sku: '', slug: '', compareAtPrice: '', stock: '0' });
}

/** The price fields that hold no amount. */
export function wrongPrices(form: ProductFormGroup, currency: string): FormControl<string>[] {
  const { price, compareAtPrice } = form.controls;
  return [price, compareAtPrice].filter(({ value }) => value.trim() !== '' && parseAmount(value, currency) === null);
}

/** Returns the values of `form`; `null` if a price is no amount. */
export function draftOf(form: ProductFormGroup, currency: string): ProductDraft | null {
  const value = form.getRawValue();
  const amount = parseAmount(value.price, currency);
  const before = parseAmount(value.compareAtPrice, currency);
  if (amount === null || wrongPrices(form, currency).length > 0) return null;
  return {
    name: value.name.trim(),
    sku: value.sku.trim(),
    slug: value.slug.trim(),
    description: value.description.trim(),
    descriptionHtml: value.descriptionHtml.trim(),
    price: { amount, currency },
    compareAtPrice: before === null ? null : { amount: before, currency },
    brand: value.brand.trim() || null,
    categoryId: Number(value.categoryId),
    lowStockAt: Number(value.lowStockAt),
    tags: [...new Set(value.tags.split(',').map((tag) => tag.trim()).filter(Boolean))],
    options: filled(value.options),
    pictures: value.pictures.map(({ picture, alt }) => ({ ...picture, alt: alt.trim() })),
    attributes: Object.fromEntries(filled(value.attributes).map(({ name, value: of }) => [name, of])),
  };
}

/** The name of a new variant: it ends with the values of its options, by which carts and orders tell it from the others. */
export function variantName(name: string, options: readonly ProductOption[]): string {
  const end = options.map(({ value }) => value).join(VALUE_END);
  return end === '' || name.endsWith(`${TITLE_END}${end}`) ? name : `${name}${TITLE_END}${end}`;
}

/** The values of `product` that the form edits. */
export function valuesOf(product: Product): ProductDraft {
  return { ...product, descriptionHtml: product.descriptionHtml ?? '', compareAtPrice: product.compareAtPrice ?? null, brand: product.brand ?? null };
}

/** The fields of `draft` that differ from `product`. */
export function changesOf(product: Product, draft: ProductDraft): Partial<ProductDraft> {
  const before = valuesOf(product);
  const keys = (Object.keys(draft) as (keyof ProductDraft)[]).filter((key) => canonical(before[key]) !== canonical(draft[key]));
  return Object.fromEntries(keys.map((key) => [key, draft[key]]));
}

/** JSON in which neither the order of keys nor an absent value makes a difference. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).filter(([, of]) => of !== null).sort(([a], [b]) => a.localeCompare(b)))
      : part,
  );
}

function filled(rows: { name: string; value: string }[]): ProductOption[] {
  return rows.map(({ name, value }) => ({ name: name.trim(), value: value.trim() })).filter(({ name, value }) => name !== '' && value !== '');
}

function refill<T extends PairRow | PictureRow>(array: FormArray<T>, rows: T[]): void {
  array.clear();
  for (const row of rows) array.push(row);
}
