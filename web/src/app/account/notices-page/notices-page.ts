import { ChangeDetectionStrategy, Component, computed, inject } from '@angular/core';
import { Router, RouterLink } from '@angular/router';
import type { Money, Notice, NoticeKind } from '../../api/types';
import type { NoticeValues } from '../../i18n/en';
import { Format, WhenPipe } from '../../i18n/format';
import { I18n } from '../../i18n/i18n';
import { ownPath } from '../../session/guards';
import { NoticeStore } from '../../stores/notice-store';
import { Empty } from '../../ui/empty';
import { Errors } from '../../ui/errors';
import { Failed } from '../../ui/failed';
import type { IconName } from '../../ui/icon';
import { Icon } from '../../ui/icon';
import { SkeletonLines } from '../../ui/lines';

const ICONS: Partial<Record<NoticeKind, IconName>> = {
  order_shipped: 'truck',
  order_delivered: 'check',
  order_cancelled: 'close',
  payment_failed: 'warn',
  refund_failed: 'warn',
  payment_refunded: 'return',
  cart_reminder: 'cart',
  back_in_stock: 'heart',
  price_dropped: 'tag',
  stock_low: 'warn',
  order_paid: 'card',
};

@Component({
  selector: 'app-notices-page',
  imports: [RouterLink, Empty, Failed, Icon, SkeletonLines, WhenPipe],
  template: `<div class="wrap page narrow-page">
    <div class="page-head">
      <h1>{{ t().notices.title }}</h1>
      @if (store.unread()) {
        <button type="button" class="link-btn" (click)="markAll()">{{ t().notices.markAll }}</button>
      }
    </div>
    @if (store.isLoaded()) {
      @if (notices().length) {
        <ul class="panel list" role="list">
          @for (item of notices(); track item.notice.notificationId) {
            <li [class.unread]="!item.notice.readAt">
              <button type="button" class="notice" (click)="open(item.notice)">
                <span class="mark"><app-icon [name]="item.icon" [size]="20" /></span>
                <span class="what"><span class="strong">{{ item.title }}
                    @if (!item.notice.readAt) {
                      <span class="tag info">{{ t().notices.unread }}</span>
                    }
                  </span><span>{{ item.body }}</span><span class="muted small">{{ item.notice.createdAt | when }}</span></span>
              </button>
            </li>
          }
        </ul>
        @if (store.hasMore()) {
          <button type="button" class="btn quiet more" (click)="more()">{{ t().common.more }}</button>
        }
      } @else {
        <app-empty icon="bell" [heading]="t().notices.emptyTitle" [text]="t().notices.emptyText"><a class="btn" routerLink="/">{{ t().cart.emptyAction }}</a></app-empty>
      }
    } @else if (store.failure(); as failure) {
      <app-failed [error]="failure" (retry)="store.load()" />
    } @else {
      <app-skeleton-lines [count]="5" />
    }
  </div>`,
  styles: `
    .narrow-page { max-width: 800px; }
    .list { padding: 0; overflow: hidden; }
    .list li + li { border-top: 1px solid var(--line); }
    .notice { display: flex; gap: 16px; width: 100%; text-align: start; border: 0; background: none; padding: 16px; }
    .notice:hover { background: var(--wash); }
    .notice:focus-visible { outline-offset: -3px; }
    .unread { background: var(--brand-wash); }
    .what { display: grid; gap: 2px; min-width: 0; }
    .mark { display: grid; place-items: center; width: 40px; height: 40px; border-radius: 50%; background: var(--wash); color: var(--ink-2); flex: none; }
    .unread .mark { background: var(--brand); color: var(--on-brand); }
    .more { margin-top: 16px; }
  `,
  changeDetection: ChangeDetectionStrategy.OnPush,
})
export class NoticesPage {
  private readonly i18n = inject(I18n);
  protected readonly t = this.i18n.t;
  protected readonly store = inject(NoticeStore);
  private readonly format = inject(Format);
  private readonly router = inject(Router);
  private readonly errors = inject(Errors);

  /** The server's text where it is in the page's language, else one from the kind and the facts. */
  protected readonly notices = computed(() => {
    const { kinds, details } = this.t().notices;
    return this.store.items().map((notice) => {
      const icon = ICONS[notice.kind] ?? 'box';
      // Absent: from a service of an earlier release, whose texts are English.
      if ((notice.language ?? 'en') === this.i18n.language()) return { notice, icon, title: notice.title, body: notice.body };
      const [title, text] = kinds[notice.kind] ?? [notice.title, notice.body];
      const body = details[notice.kind]?.(this.values(notice.facts)) ?? text;
      return { notice, icon, title, body };
    });
  });

  constructor() {
    void this.store.load();
  }

  /** Absent facts: from a service of an earlier release. */
  private values(facts: Notice['facts'] | undefined): NoticeValues {
    const money = (amount: Money | null | undefined) => (amount ? this.format.money(amount) : undefined);
    const time = (at: string | null | undefined) => (at ? this.format.date(at) : undefined);
    return {
      order: facts?.orderId?.toString(),
      amount: money(facts?.amount),
      payBy: time(facts?.payBy),
      carrier: facts?.carrier ?? undefined,
      tracking: facts?.trackingNumber ?? undefined,
      product: facts?.productName ?? undefined,
      price: money(facts?.price),
      oldPrice: money(facts?.oldPrice),
      stock: facts?.stock?.toString(),
      expiresAt: time(facts?.expiresAt),
    };
  }

  protected async open(notice: Notice): Promise<void> {
    try {
      await this.store.markRead(notice);
    } catch (error) {
      this.errors.toast(error);
    }
    if (notice.link) await this.router.navigateByUrl(ownPath(notice.link));
  }

  protected markAll(): void {
    this.store.markAllRead().catch((error: unknown) => this.errors.toast(error));
  }

  protected more(): void {
    this.store.loadMore().catch((error: unknown) => this.errors.toast(error));
  }
}
