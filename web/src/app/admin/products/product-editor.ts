import { NgTemplateOutlet } from '@angular/common';
import { ChangeDetectionStrategy, Component, ElementRef, computed, effect, inject, input, signal, untracked } from '@angular/core';
import type { FormArray } from '@angular/forms';
import { ReactiveFormsModule } from '@angular/forms';
import { Router, RouterLink } from '@angular/router';
import { Dialog } from 'primeng/dialog';
import type { Failure } from '../../api/problem';
import { failureOf } from '../../api/problem';
import type { Product } from '../../api/types';
import { adminTexts } from '../../i18n/admin-texts';
import { Format } from '../../i18n/format';
import { texts } from '../../i18n/i18n';
import { ShopStore } from '../../stores/shop-store';
import { Empty } from '../../ui/empty';
import { Errors } from '../../ui/errors';
import { Failed } from '../../ui/failed';
import { checkForm, showFieldErrors } from '../../ui/forms';
import { Icon } from '../../ui/icon';
import { SkeletonLines } from '../../ui/lines';
import { TextField } from '../../ui/text-field';
import { Toasts } from '../../ui/toasts';
import { DescriptionField } from './description-field';
import { EditorStore } from './editor-store';
import { PictureList } from './picture-list';
import type { PairRow, ProductDraft } from './product-form';
import { changesOf, draftOf, fillForm, fillVariant, pair, pictureRow, productForm, valuesOf, wrongPrices } from './product-form';
import { StockDialog } from './stock-dialog';
import { StockMovements } from './stock-movements';
import { VariantPanel } from './variant-panel';

/** A new product, or one to edit. */
@Component({
  selector: 'app-product-editor',
  imports: [DescriptionField, NgTemplateOutlet, ReactiveFormsModule, RouterLink, Dialog, Empty, Failed, Icon, PictureList, SkeletonLines, StockDialog, StockMovements, TextField, VariantPanel],
  providers: [EditorStore],
  templateUrl: './product-editor.html',
  styleUrl: './product-editor.css',
  changeDetection: ChangeDetectionStrategy.OnPush,
})
export class ProductEditor {
  readonly id = input<string>();
  /** Id of a product: the new one becomes a variant beside it. */
  readonly like = input<string>();
  protected readonly a = adminTexts();
  protected readonly t = texts();
  protected readonly store = inject(EditorStore);
  protected readonly form = productForm();
  protected readonly isHiding = signal(false);
  protected readonly isAdjusting = signal(false);
  protected readonly isNew = computed(() => this.id() === undefined);
  protected readonly sample = signal<Product | null>(null);
  private readonly sampleFailure = signal<Failure | null>(null);
  protected readonly isReady = computed(() => (this.isNew() ? !this.like() || this.sample() !== null : this.store.product() !== null));
  protected readonly failure = computed(() => this.sampleFailure() ?? this.store.failure());
  private readonly shop = inject(ShopStore);
  private readonly format = inject(Format);
  private readonly errors = inject(Errors);
  private readonly toasts = inject(Toasts);
  private readonly router = inject(Router);
  private readonly host = inject<ElementRef<HTMLElement>>(ElementRef);
  private filled: number | null = null;

  protected readonly categories = computed(() =>
    this.shop
      .categories()
      .map(({ categoryId, slug }) => ({ categoryId, label: this.shop.path(slug).map(({ name }) => name).join(' › ') }))
      .sort((a, b) => a.label.localeCompare(b.label)),
  );

  /** Fields in which the two versions differ. */
  protected readonly differences = computed(() => {
    const theirs = this.store.conflict();
    const mine = theirs ? this.draft() : null;
    if (!theirs || !mine) return [];
    const saved = valuesOf(theirs);
    return (Object.keys(changesOf(theirs, mine)) as (keyof ProductDraft)[]).map((key) => ({ key, label: this.a().products.fields[key], mine: this.show(mine, key), theirs: this.show(saved, key) }));
  });

  constructor() {
    effect(() => {
      this.id();
      this.like();
      untracked(() => void this.open());
    });
    effect(() => {
      const product = this.store.product();
      if (product && this.filled !== product.productId) this.fill(product);
    });
  }

  protected async open(): Promise<void> {
    const [id, like] = [this.id(), this.like()];
    if (id !== undefined) return this.store.open(Number(id));
    if (!like) return;
    this.sampleFailure.set(null);
    try {
      const product = await this.store.readSample(Number(like));
      this.sample.set(product);
      fillVariant(this.form, product);
    } catch (error) {
      this.sampleFailure.set(failureOf(error));
    }
  }

  /** Adds an empty row, and moves the focus to its first field. */
  protected addRow(rows: FormArray<PairRow>, kind: 'attribute' | 'option'): void {
    rows.push(pair());
    setTimeout(() => [...this.host.nativeElement.querySelectorAll<HTMLElement>(`.${kind} input`)].at(-2)?.focus());
  }

  protected async save(): Promise<void> {
    if (this.store.isBusy() || !checkForm(this.form, this.host.nativeElement)) return;
    const draft = this.draft();
    if (!draft) {
      for (const control of wrongPrices(this.form, this.currency())) control.setErrors({ server: this.a().products.priceWrong });
      checkForm(this.form, this.host.nativeElement);
      return;
    }
    try {
      if (this.isNew()) {
        const product = await this.store.create(draft, Number(this.form.controls.stock.value), this.sample()?.groupId ?? null);
        this.toasts.success(this.a().products.created);
        await this.router.navigate(['/admin/products', product.productId], { replaceUrl: true });
      } else if (await this.store.save(draft)) {
        // The shop may have changed more, such as the name of a variant with other options.
        this.refill();
        this.toasts.success(this.t().common.saved);
      }
    } catch (error) {
      if (!showFieldErrors(this.form, failureOf(error), this.host.nativeElement)) this.errors.toast(error);
    }
  }

  protected keepMine(): void {
    this.store.rebase();
    void this.save();
  }

  protected takeTheirs(): void {
    this.store.rebase();
    this.refill();
  }

  protected upload(file: File): Promise<void> {
    return this.act(
      () => this.store.upload(file),
      () => {
        // Only the new picture is added: texts and order that are not saved yet stay in the form.
        const added = this.store.product()?.pictures.at(-1);
        const { pictures } = this.form.controls;
        if (added && !pictures.value.some(({ picture }) => picture?.url === added.url)) pictures.push(pictureRow(added));
        this.toasts.success(this.a().products.uploaded);
      },
    );
  }

  protected setGroup(productId: number | null): Promise<void> {
    return this.act(
      () => this.store.setGroup(productId),
      () => this.toasts.success(productId === null ? this.a().products.hasLeft : this.a().products.hasJoined),
    );
  }

  protected hide(): Promise<void> {
    this.isHiding.set(false);
    return this.act(
      () => this.store.hide(),
      () => {
        this.toasts.success(this.a().products.hiddenDone);
        void this.router.navigateByUrl('/admin/products');
      },
    );
  }

  protected restore(): Promise<void> {
    return this.act(
      async () => {
        await this.store.restore();
        return true;
      },
      () => {
        this.refill();
        this.toasts.success(this.a().products.restored(this.store.product()?.name ?? ''));
      },
    );
  }

  /** Runs a change that is saved at once. If somebody else saved meanwhile, and nothing is typed, theirs is shown. */
  private async act(run: () => Promise<boolean>, done: () => void): Promise<void> {
    const product = this.store.product();
    const draft = this.draft();
    const isTyped = !product || !draft || Object.keys(changesOf(product, draft)).length > 0;
    try {
      if (await run()) {
        done();
      } else if (!isTyped) {
        this.takeTheirs();
        this.toasts.show({ severity: 'warn', summary: this.a().products.conflictTitle, detail: this.a().products.tryAgain });
      }
    } catch (error) {
      this.errors.toast(error);
    }
  }

  private refill(): void {
    const product = this.store.product();
    if (product) this.fill(product);
  }

  private fill(product: Product): void {
    this.filled = product.productId;
    fillForm(this.form, product);
  }

  private currency(): string {
    return this.store.product()?.price.currency ?? this.shop.currency();
  }

  private draft(): ProductDraft | null {
    return draftOf(this.form, this.currency());
  }

  /** A field in one line, for the comparison of two versions. */
  private show(draft: ProductDraft, key: keyof ProductDraft): string {
    const pairs = (list: { name: string; value: string }[]) => list.map(({ name, value }) => `${name}: ${value}`).join(', ');
    const text = (() => {
      switch (key) {
        case 'price':
        case 'compareAtPrice': {
          const money = draft[key];
          return money && this.format.money(money);
        }
        case 'categoryId':
          return this.categories().find(({ categoryId }) => categoryId === draft.categoryId)?.label;
        case 'tags':
          return draft.tags.join(', ');
        case 'options':
          return pairs(draft.options);
        case 'attributes':
          return pairs(Object.entries(draft.attributes).map(([name, value]) => ({ name, value })));
        case 'pictures':
          return draft.pictures.map(({ url, alt }) => alt || url.split('/').slice(-2).join('/').slice(0, 24)).join(', ');
        default:
          return draft[key] === null ? null : String(draft[key]);
      }
    })();
    return text || '–';
  }
}
