import { HttpClient } from '@angular/common/http';
import { DOCUMENT, Injectable, computed, inject, signal } from '@angular/core';
import { firstValueFrom } from 'rxjs';
import type { Category, Page, ShopFacts } from '../api/types';

export interface CategoryNode extends Category {
  children: CategoryNode[];
}

/** Facts of the shop and its tree of categories, read once. */
@Injectable({ providedIn: 'root' })
export class ShopStore {
  private readonly http = inject(HttpClient);
  private readonly nameInPage = inject(DOCUMENT).querySelector<HTMLMetaElement>('meta[property="og:site_name"]')?.content;
  private readonly categoryList = signal<Category[]>([]);
  private readonly shopFacts = signal<ShopFacts | null>(null);
  private reading: Promise<void> | null = null;
  private readingFacts: Promise<void> | null = null;

  readonly facts = this.shopFacts.asReadonly();
  /** The gateway writes the name into each page, so that it does not change when the facts arrive. */
  readonly name = computed(() => this.shopFacts()?.name ?? this.nameInPage ?? 'souk');
  readonly currency = computed(() => this.shopFacts()?.currency ?? 'EUR');
  readonly categories = this.categoryList.asReadonly();
  readonly departments = computed(() => treeOf(this.categoryList()));

  /** Reads the categories; the header shows none until they are there. */
  loadCategories(): Promise<void> {
    this.reading ??= firstValueFrom(this.http.get<Page<Category>>('/api/categories'))
      .then((page) => this.categoryList.set(page.items))
      // The header works without departments; the next visit tries again.
      .catch(() => void (this.reading = null));
    return this.reading;
  }

  /** Reads the categories again, after they changed. */
  reloadCategories(): Promise<void> {
    this.reading = null;
    return this.loadCategories();
  }

  /** Reads the facts; without them pages show what is true of any shop, and the next call tries again. */
  loadFacts(): Promise<void> {
    this.readingFacts ??= firstValueFrom(this.http.get<ShopFacts>('/api/shop'))
      .then((facts) => {
        this.shopFacts.set(facts);
        // A service was away that knows a part of them.
        if (facts.paymentProvider == null || facts.sendsMail == null) this.readingFacts = null;
      })
      .catch(() => void (this.readingFacts = null));
    return this.readingFacts;
  }

  /** The category with `slug` and those above it, from the top. */
  path(slug: string): Category[] {
    const byId = new Map(this.categoryList().map((category) => [category.categoryId, category]));
    return pathTo(this.categoryList().find((category) => category.slug === slug), byId);
  }

  pathById(categoryId: number): Category[] {
    const byId = new Map(this.categoryList().map((category) => [category.categoryId, category]));
    return pathTo(byId.get(categoryId), byId);
  }
}

function pathTo(category: Category | undefined, byId: Map<number, Category>): Category[] {
  const path: Category[] = [];
  for (let at = category; at && !path.includes(at); at = at.parentId == null ? undefined : byId.get(at.parentId)) path.unshift(at);
  return path;
}

/** Arranges `categories` as a tree, siblings by position and name. */
export function treeOf(categories: readonly Category[]): CategoryNode[] {
  const nodes = new Map(categories.map((category) => [category.categoryId, { ...category, children: [] } as CategoryNode]));
  const roots: CategoryNode[] = [];
  for (const node of nodes.values()) {
    const parent = node.parentId == null ? undefined : nodes.get(node.parentId);
    (parent?.children ?? roots).push(node);
  }
  const sort = (list: CategoryNode[]) => {
    list.sort((a, b) => a.position - b.position || a.name.localeCompare(b.name));
    for (const node of list) sort(node.children);
  };
  sort(roots);
  return roots;
}
