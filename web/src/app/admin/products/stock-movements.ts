import { httpResource } from '@angular/common/http';
import { ChangeDetectionStrategy, Component, input, signal } from '@angular/core';
import { RouterLink } from '@angular/router';
import type { Movement, Page } from '../../api/types';
import { adminTexts } from '../../i18n/admin-texts';
import { WhenPipe } from '../../i18n/format';
import { Failed } from '../../ui/failed';
import { SkeletonLines } from '../../ui/lines';
import { Pages } from '../../ui/pages';

const PAGE_SIZE = 10;

/** The ledger of a product's stock, newest first. */
@Component({
  selector: 'app-stock-movements',
  imports: [RouterLink, Failed, Pages, SkeletonLines, WhenPipe],
  template: `<section class="panel cards" aria-labelledby="stock-movements">
    <h2 id="stock-movements">{{ a().products.movements }}</h2>
    @if (found.hasValue()) {
      @if (found.value().items.length) {
        <table>
          <thead><tr><th scope="col">{{ a().products.when }}</th><th scope="col">{{ a().products.kind }}</th><th scope="col">{{ a().products.reason }}</th><th scope="col" class="r">{{ a().products.delta }}</th></tr></thead>
          <tbody>
            @for (move of found.value().items; track $index) {
              <tr>
                <td class="head num">{{ move.at | when }}</td>
                <td [attr.data-label]="a().products.kind">{{ a().products.kinds[move.kind] ?? move.kind }}</td>
                <td [attr.data-label]="a().products.reason">
                  @if (move.orderId) {
                    <a [routerLink]="['/admin/orders', move.orderId]">{{ a().orders.order }} {{ move.orderId }}</a>
                  } @else {
                    {{ move.isSum ? a().products.sumOfOlder : (move.reason ?? '–') }}
                  }
                </td>
                <td [attr.data-label]="a().products.delta" class="r num">{{ move.quantity }}</td>
              </tr>
            }
          </tbody>
        </table>
      } @else {
        <p class="muted">{{ a().products.noMovements }}</p>
      }
      <app-pages [page]="page()" [pages]="pages(found.value().total)" (turn)="page.set($event)" />
    } @else if (found.error()) {
      <app-failed [error]="found.error()" (retry)="found.reload()" />
    } @else {
      <app-skeleton-lines [count]="2" />
    }
  </section>`,
  changeDetection: ChangeDetectionStrategy.OnPush,
})
export class StockMovements {
  readonly productId = input.required<number>();
  /** The present stock; a change of it reads the ledger again. */
  readonly stock = input.required<number>();
  protected readonly a = adminTexts();
  protected readonly page = signal(0);
  protected readonly found = httpResource<Page<Movement>>(() => {
    this.stock();
    return { url: `/api/products/${this.productId()}/movements`, params: { page: this.page(), size: PAGE_SIZE } };
  });

  protected pages(total: number): number {
    return Math.max(1, Math.ceil(total / PAGE_SIZE));
  }
}
