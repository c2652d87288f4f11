import { httpResource } from '@angular/common/http';
import type { Signal } from '@angular/core';
import { computed, inject, linkedSignal } from '@angular/core';
import { toSignal } from '@angular/core/rxjs-interop';
import type { Params } from '@angular/router';
import { ActivatedRoute, Router } from '@angular/router';
import type { Page } from '../api/types';

export interface PagedList<T> {
  /** The parameter `name` of the address; `''` if absent. */
  param: (name: string) => string;
  items: Signal<T[] | null>;
  /** At most 10,000. */
  total: Signal<number>;
  /** False if there are more than `total`. */
  isExact: Signal<boolean>;
  page: Signal<number>;
  pages: Signal<number>;
  error: Signal<Error | undefined>;
  isLoading: Signal<boolean>;
  isFiltered: Signal<boolean>;
  /** Changes parameters of the address; `null` removes one. Starts at the first page. */
  filter: (params: Params) => void;
  clear: () => void;
  turn: (page: number) => void;
  reload: () => void;
  replace: (isSame: (item: T) => boolean, item: T) => void;
}

/**
 * A list whose filters, sort order and page stand in the address, under the names of the API. `names` are the
 * parameters that are passed on; `fixed` are always sent. Call it in a field of a component or store.
 */
export function pagedList<T>(url: string, names: readonly string[], fixed: Record<string, string | number> = {}, size = 20): PagedList<T> {
  const router = inject(Router);
  const route = inject(ActivatedRoute);
  const params = toSignal(route.queryParamMap, { requireSync: true });
  const page = computed(() => Math.max(0, Number.parseInt(params().get('page') ?? '0', 10) || 0));
  const wanted = computed(() => {
    const sent: Record<string, string | number> = { ...fixed, page: page(), size };
    for (const name of names) {
      const value = params().get(name);
      if (value) sent[name] = value;
    }
    return sent;
  });
  const found = httpResource<Page<T>>(() => ({ url, params: wanted() }));
  // The previous page stays until the next one is there.
  const current = linkedSignal<Page<T> | null, Page<T> | null>({
    source: () => (found.hasValue() ? found.value() : null),
    computation: (now, before) => now ?? before?.value ?? null,
  });
  const navigate = (queryParams: Params, keepScroll: boolean) =>
    void router.navigate([], { relativeTo: route, queryParams, queryParamsHandling: 'merge', state: { keepScroll } });
  return {
    param: (name) => params().get(name) ?? '',
    items: computed(() => current()?.items ?? null),
    total: computed(() => current()?.total ?? 0),
    isExact: computed(() => current()?.totalIsExact ?? true),
    page,
    pages: computed(() => Math.max(1, Math.ceil((current()?.total ?? 0) / size))),
    error: computed(() => found.error()),
    isLoading: found.isLoading,
    isFiltered: computed(() => names.some((name) => name !== 'sort' && params().has(name))),
    filter: (change) => navigate({ page: null, ...change }, true),
    clear: () => navigate(Object.fromEntries([...names, 'page'].map((name) => [name, null])), true),
    turn: (to) => navigate({ page: to || null }, false),
    reload: () => void found.reload(),
    replace: (isSame, item) => current.update((list) => list && { ...list, items: list.items.map((other) => (isSame(other) ? item : other)) }),
  };
}
