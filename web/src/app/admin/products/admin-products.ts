import { HttpClient } from '@angular/common/http';
import { ChangeDetectionStrategy, Component, computed, inject, signal } from '@angular/core';
import { RouterLink } from '@angular/router';
import { firstValueFrom } from 'rxjs';
import type { Product } from '../../api/types';
import { adminTexts } from '../../i18n/admin-texts';
import { MoneyPipe } from '../../i18n/format';
import { ShopStore } from '../../stores/shop-store';
import { Empty } from '../../ui/empty';
import { Errors } from '../../ui/errors';
import { Failed } from '../../ui/failed';
import { Icon } from '../../ui/icon';
import { SkeletonLines } from '../../ui/lines';
import { Pages } from '../../ui/pages';
import { Picture } from '../../ui/picture';
import { Toasts } from '../../ui/toasts';
import { pagedList } from '../paged-list';
import { ExportFile } from './export-file';
import { StockDialog } from './stock-dialog';

const LOW = 6;

@Component({
  selector: 'app-admin-products',
  imports: [RouterLink, Empty, Failed, Icon, MoneyPipe, Pages, Picture, SkeletonLines, StockDialog],
  templateUrl: './admin-products.html',
  changeDetection: ChangeDetectionStrategy.OnPush,
})
export class AdminProducts {
  protected readonly a = adminTexts();
  protected readonly list = pagedList<Product>('/api/products', ['q', 'category', 'stockBelow', 'hidden', 'sort'], { groups: 'false' });
  protected readonly isHidden = computed(() => this.list.param('hidden') === 'true');
  protected readonly low = LOW;
  protected readonly adjusting = signal<Product | null>(null);
  protected readonly isExporting = signal(false);
  protected readonly shop = inject(ShopStore);
  private readonly http = inject(HttpClient);
  private readonly exportFile = inject(ExportFile);
  private readonly errors = inject(Errors);
  private readonly toasts = inject(Toasts);
  protected readonly categoryName = computed(() => new Map(this.shop.categories().map((category) => [category.categoryId, category.name])));
  protected readonly categories = computed(() => [...this.shop.categories()].sort((a, b) => a.name.localeCompare(b.name)));

  protected find(event: Event, q: string): void {
    event.preventDefault();
    this.list.filter({ q: q.trim() || null });
  }

  /** Cycles through ascending, descending and the default order. */
  protected sortBy(key: string): void {
    const now = this.list.param('sort');
    const next = now === key ? `-${key}` : now === `-${key}` ? null : key;
    this.list.filter({ sort: next });
  }

  protected sortOf(key: string): 'ascending' | 'descending' | null {
    const now = this.list.param('sort');
    return now === key ? 'ascending' : now === `-${key}` ? 'descending' : null;
  }

  protected async export(): Promise<void> {
    if (this.isExporting()) return;
    this.isExporting.set(true);
    try {
      await this.exportFile.save();
    } catch (error) {
      this.errors.toast(error);
    } finally {
      this.isExporting.set(false);
    }
  }

  /** Puts a hidden product back into the shop. */
  protected async restore(product: Product): Promise<void> {
    try {
      await firstValueFrom(this.http.post(`/api/products/${product.productId}/restore`, {}));
      this.toasts.success(this.a().products.restored(product.name));
      this.list.reload();
    } catch (error) {
      this.errors.toast(error);
    }
  }

  protected adjusted(product: Product): void {
    this.list.replace((other) => other.productId === product.productId, product);
    this.adjusting.set(null);
  }
}
