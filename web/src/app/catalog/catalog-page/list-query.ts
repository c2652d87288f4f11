import type { ParamMap, Params } from '@angular/router';

export const PAGE_SIZE = 24;
export const SORTS = ['relevance', 'price', '-price', 'name', 'newest'] as const;
export type Sort = (typeof SORTS)[number];

/** Filter, order and page of a list, as its address says them, under the names of the API. */
export interface ListQuery {
  category: string | null;
  q: string;
  minPrice: number | null;
  maxPrice: number | null;
  inStock: boolean;
  brand: string | null;
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
    brand: params.get('brand')?.trim() || null,
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
    brand: query.brand,
    sort: query.sort === 'relevance' ? null : query.sort,
    page: query.page || null,
  };
}

/** Parameters of `GET /products`. */
export function requestOf(query: ListQuery): Record<string, string | number | boolean> {
  const params: Record<string, string | number | boolean> = {};
  if (query.category) params['category'] = query.category;
  if (query.q) params['q'] = query.q;
  if (query.minPrice !== null) params['minPrice'] = query.minPrice;
  if (query.maxPrice !== null) params['maxPrice'] = query.maxPrice;
  if (query.inStock) params['inStock'] = true;
  if (query.brand) params['brand'] = query.brand;
  if (query.sort !== 'relevance') params['sort'] = query.sort;
  if (query.page > 0) params['page'] = query.page;
  return { ...params, size: PAGE_SIZE };
}

export function withoutFilters(query: ListQuery): ListQuery {
  return { ...query, minPrice: null, maxPrice: null, inStock: false, brand: null, page: 0 };
}

function natural(text: string | null): number | null {
  return text !== null && /^\d{1,12}$/.test(text) ? Number(text) : null;
}
