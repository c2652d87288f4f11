import { ChangeDetectionStrategy, Component, computed, input } from '@angular/core';
import { texts } from '../i18n/i18n';

/** The loading state of a list of lines, such as orders or cart items. */
@Component({
  selector: 'app-skeleton-lines',
  template: `<div role="status" class="vh">{{ t().common.loading }}</div>
    <div class="stack" aria-hidden="true">
      @for (i of places(); track i) {
        <div class="skeleton line"></div>
      }
    </div>`,
  styles: `.line { height: 96px; border-radius: var(--r-card); }`,
  changeDetection: ChangeDetectionStrategy.OnPush,
})
export class SkeletonLines {
  readonly count = input(3);
  protected readonly t = texts();
  protected readonly places = computed(() => Array.from({ length: this.count() }, (_, i) => i));
}
