import { ChangeDetectionStrategy, Component, input, output } from '@angular/core';
import { texts } from '../i18n/i18n';
import { Icon } from './icon';

/** Buttons to turn the pages of a list; pages count from 0. */
@Component({
  selector: 'app-pages',
  imports: [Icon],
  template: `@if (pages() > 1) {
    <nav class="pages" [attr.aria-label]="t().common.pages">
      <button type="button" class="btn quiet" [attr.aria-disabled]="page() === 0" (click)="go(page() - 1)">
        <app-icon name="left" [size]="18" /><span class="vh">{{ t().common.previous }}</span>
      </button>
      <span class="num" aria-live="polite">{{ t().common.pageOf(page() + 1, pages()) }}</span>
      <button type="button" class="btn quiet" [attr.aria-disabled]="page() + 1 >= pages()" (click)="go(page() + 1)">
        <app-icon name="right" [size]="18" /><span class="vh">{{ t().common.next }}</span>
      </button>
    </nav>
  }`,
  styles: `.pages { display: flex; align-items: center; justify-content: center; gap: 16px; margin-top: 40px; } [aria-disabled='true'] { color: var(--line-strong); border-color: var(--line); cursor: default; } .btn { padding-inline: 14px; }`,
  changeDetection: ChangeDetectionStrategy.OnPush,
})
export class Pages {
  readonly page = input.required<number>();
  readonly pages = input.required<number>();
  readonly turn = output<number>();
  protected readonly t = texts();

  protected go(page: number): void {
    if (page >= 0 && page < this.pages()) this.turn.emit(page);
  }
}
