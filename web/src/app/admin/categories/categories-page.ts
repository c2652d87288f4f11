import { HttpClient, httpResource } from '@angular/common/http';
import { ChangeDetectionStrategy, Component, ElementRef, computed, inject, linkedSignal, signal } from '@angular/core';
import { FormControl, FormGroup, ReactiveFormsModule, Validators } from '@angular/forms';
import { Dialog } from 'primeng/dialog';
import { firstValueFrom } from 'rxjs';
import { failureOf } from '../../api/problem';
import type { Category, Page, ProductList } from '../../api/types';
import { adminTexts } from '../../i18n/admin-texts';
import { texts } from '../../i18n/i18n';
import type { CategoryNode } from '../../stores/shop-store';
import { treeOf } from '../../stores/shop-store';
import { Empty } from '../../ui/empty';
import { Errors } from '../../ui/errors';
import { Failed } from '../../ui/failed';
import { checkForm, showFieldErrors } from '../../ui/forms';
import { Icon } from '../../ui/icon';
import { SkeletonLines } from '../../ui/lines';
import { TextField } from '../../ui/text-field';
import { Toasts } from '../../ui/toasts';

interface Row {
  node: CategoryNode;
  depth: number;
  siblings: CategoryNode[];
  index: number;
}

/** The tree of categories: add, rename, move, delete. */
@Component({
  selector: 'app-categories-page',
  imports: [ReactiveFormsModule, Dialog, Empty, Failed, Icon, SkeletonLines, TextField],
  templateUrl: './categories-page.html',
  styles: `
    .tree li { display: flex; align-items: center; gap: 4px 12px; min-height: 48px; padding: 0 12px; border-bottom: 1px solid var(--line); flex-wrap: wrap; }
    .tree li:last-child { border-bottom: 0; }
    .d1 { padding-left: 40px !important; } .d2 { padding-left: 72px !important; } .d3 { padding-left: 104px !important; }
    .d0 .name { font-weight: 600; }
    .name { flex: 1; min-width: 140px; }
    .acts { display: flex; }
  `,
  changeDetection: ChangeDetectionStrategy.OnPush,
})
export class CategoriesPage {
  protected readonly a = adminTexts();
  protected readonly t = texts();
  protected readonly found = httpResource<Page<Category>>(() => '/api/categories');
  private readonly counts = httpResource<ProductList>(() => '/api/products?size=1');
  protected readonly editing = signal<Category | 'new' | null>(null);
  protected readonly removing = signal<Category | null>(null);
  protected readonly isBusy = signal(false);
  protected readonly form = new FormGroup({
    name: new FormControl('', { nonNullable: true, validators: [Validators.required, Validators.maxLength(100)] }),
    slug: new FormControl('', { nonNullable: true }),
    parent: new FormControl('', { nonNullable: true }),
  });
  private readonly http = inject(HttpClient);
  private readonly errors = inject(Errors);
  private readonly toasts = inject(Toasts);
  private readonly host = inject<ElementRef<HTMLElement>>(ElementRef);

  private readonly list = linkedSignal<Category[] | null, Category[] | null>({
    source: () => (this.found.hasValue() ? this.found.value().items : null),
    computation: (now, before) => now ?? before?.value ?? null,
  });
  protected readonly rows = computed<Row[] | null>(() => {
    const list = this.list();
    if (!list) return null;
    const rows: Row[] = [];
    const add = (siblings: CategoryNode[], depth: number) =>
      siblings.forEach((node, index) => {
        rows.push({ node, depth, siblings, index });
        add(node.children, depth + 1);
      });
    add(treeOf(list), 0);
    return rows;
  });
  private readonly numbers = computed(
    () => new Map((this.counts.hasValue() ? this.counts.value().facets.categories : []).map((facet) => [facet.categoryId, facet.count])),
  );
  /** Where the category that is edited may be moved: not into itself. */
  protected readonly parents = computed(() => {
    const editing = this.editing();
    const rows = this.rows() ?? [];
    if (editing === 'new' || !editing) return rows;
    const inside = new Set([editing.categoryId]);
    return rows.filter(({ node }) => {
      const isInside = inside.has(node.categoryId) || (node.parentId != null && inside.has(node.parentId));
      if (isInside) inside.add(node.categoryId);
      return !isInside;
    });
  });

  protected countOf(category: Category): number {
    return this.numbers().get(category.categoryId) ?? 0;
  }

  protected add(parent: Category | null): void {
    this.form.reset({ name: '', slug: '', parent: parent ? String(parent.categoryId) : '' });
    this.editing.set('new');
  }

  protected edit(category: Category): void {
    this.form.reset({ name: category.name, slug: category.slug, parent: category.parentId == null ? '' : String(category.parentId) });
    this.editing.set(category);
  }

  protected async save(): Promise<void> {
    const dialog = document.querySelector<HTMLElement>('.category-dialog') ?? this.host.nativeElement;
    if (this.isBusy() || !checkForm(this.form, dialog)) return;
    const { name, slug, parent } = this.form.getRawValue();
    const editing = this.editing();
    const body = { name: name.trim(), parentId: parent ? Number(parent) : null, ...(slug.trim() ? { slug: slug.trim() } : {}) };
    this.isBusy.set(true);
    try {
      if (editing === 'new') await firstValueFrom(this.http.post('/api/categories', body));
      else if (editing) await firstValueFrom(this.http.put(`/api/categories/${editing.categoryId}`, { ...body, position: editing.position }));
      this.editing.set(null);
      this.toasts.success(this.t().common.saved);
      this.found.reload();
    } catch (error) {
      if (!showFieldErrors(this.form, failureOf(error), dialog)) this.errors.toast(error);
    } finally {
      this.isBusy.set(false);
    }
  }

  /** Moves a category among its siblings: they get the positions 0, 1, 2 … in the new order. */
  protected async move({ siblings, index }: Row, step: -1 | 1): Promise<void> {
    const order = [...siblings];
    const [moved] = order.splice(index, 1);
    if (!moved || this.isBusy() || index + step < 0 || index + step >= siblings.length) return;
    order.splice(index + step, 0, moved);
    this.isBusy.set(true);
    try {
      for (const [position, node] of order.entries()) {
        if (node.position !== position) await firstValueFrom(this.http.patch(`/api/categories/${node.categoryId}`, { position }));
      }
    } catch (error) {
      this.errors.toast(error);
    } finally {
      this.isBusy.set(false);
      this.found.reload();
    }
  }

  protected async remove(): Promise<void> {
    const category = this.removing();
    this.removing.set(null);
    if (!category) return;
    try {
      await firstValueFrom(this.http.delete(`/api/categories/${category.categoryId}`));
      this.toasts.success(this.a().categories.removed);
      this.found.reload();
    } catch (error) {
      this.errors.toast(error);
    }
  }
}
