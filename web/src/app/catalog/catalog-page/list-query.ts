import type { ParamMap, Params } from '@angular/router';

export const PAGE_SIZE = 24;
/** As many as the API takes. */
const MAX_OPTIONS = 8;
const MAX_VALUES = 30;
const OPTION = 'option.';
export const SORTS = ['relevance', 'price', '-price', 'name', 'newest'] as const;
export type Sort = (typeof SORTS)[number];

/** Filter, order and page of a list, as its address says them, under the names of the API. */
export interface ListQuery {
  category: string | null;
  q: string;
  minPrice: number | null;
  maxPrice: number | null;
  inStock: boolean;
  /** A product of any of them is listed. */
  brands: string[];
  /** Values by the name of an option: of each, a variant with any of them is listed. */
  options: Record<string, string[]>;
  sort: Sort;
  page: number;
}

export function readQuery(category: string | null, params: ParamMap): ListQuery {
  return {
    category,
    q: (params.get('q') ?? '').trim().slice(0, 200),
    minPrice: natural(params.get('minPrice')),
    maxPrice: natural(params.get('maxPrice')),
    inStock: params.get('inStock') === 'true',
    brands: texts(params.getAll('brand')).slice(0, MAX_VALUES),
    options: readOptions(params),
    sort: SORTS.find((sort) => sort === params.get('sort')) ?? 'relevance',
    page: natural(params.get('page')) ?? 0,
  };
}

/** Parameters of the page's own address; `null` removes one. */
export function addressOf(query: ListQuery): Params {
  return {
    q: query.q || null,
    minPrice: query.minPrice,
    maxPrice: query.maxPrice,
    inStock: query.inStock || null,
    brand: query.brands.length ? query.brands : null,
    ...optionParams(query),
    sort: query.sort === 'relevance' ? null : query.sort,
    page: query.page || null,
  };
}

/** Parameters of `GET /products`. */
export function requestOf(query: ListQuery): Record<string, string | number | boolean | string[]> {
  const params: Record<string, string | number | boolean | string[]> = {};
  if (query.category) params['category'] = query.category;
  if (query.q) params['q'] = query.q;
  if (query.minPrice !== null) params['minPrice'] = query.minPrice;
  if (query.maxPrice !== null) params['maxPrice'] = query.maxPrice;
  if (query.inStock) params['inStock'] = true;
  if (query.brands.length) params['brand'] = query.brands;
  if (query.sort !== 'relevance') params['sort'] = query.sort;
  if (query.page > 0) params['page'] = query.page;
  return { ...params, ...optionParams(query), size: PAGE_SIZE };
}

export function withoutFilters(query: ListQuery): ListQuery {
  return { ...query, minPrice: null, maxPrice: null, inStock: false, brands: [], options: {}, page: 0 };
}

/** Adds a value to a list, or removes it. */
export function toggled(values: readonly string[], value: string): string[] {
  return values.includes(value) ? values.filter((other) => other !== value) : [...values, value];
}

/** The options with `value` of `name` added, or removed. */
export function withOption(options: ListQuery['options'], name: string, value: string): ListQuery['options'] {
  const values = toggled(options[name] ?? [], value);
  const others = Object.fromEntries(Object.entries(options).filter(([other]) => other !== name));
  return values.length ? { ...others, [name]: values } : others;
}

/** Parameters that remove those of options that `after` no longer has. */
export function removedOptions(before: ListQuery, after: ListQuery): Params {
  const gone = Object.keys(before.options).filter((name) => !(name in after.options));
  return Object.fromEntries(gone.map((name) => [OPTION + name, null]));
}

function readOptions(params: ParamMap): ListQuery['options'] {
  const names = params.keys.filter((key) => key.startsWith(OPTION) && key.length > OPTION.length).slice(0, MAX_OPTIONS);
  const read = names.map((key) => [key.slice(OPTION.length), texts(params.getAll(key)).slice(0, MAX_VALUES)] as const);
  return Object.fromEntries(read.filter(([, values]) => values.length));
}

function optionParams(query: ListQuery): Record<string, string[]> {
  return Object.fromEntries(Object.entries(query.options).map(([name, values]) => [OPTION + name, values]));
}

function texts(values: string[]): string[] {
  return [...new Set(values.map((value) => value.trim()).filter((value) => value))];
}

function natural(text: string | null): number | null {
  return text !== null && /^\d{1,12}$/.test(text) ? Number(text) : null;
}
