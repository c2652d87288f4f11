import { ChangeDetectionStrategy, Component, computed, input } from '@angular/core';
import { texts } from '../i18n/i18n';

/** The loading state of a list of products, in its final size. */
@Component({
  selector: 'app-skeleton-grid',
  template: `<div role="status" class="vh">{{ t().common.loading }}</div>
    <div class="grid" aria-hidden="true">
      @for (i of places(); track i) {
        <div class="card">
          <span class="picture skeleton"></span>
          <span class="maker"><span class="skeleton text short"></span></span>
          <span class="name"><span class="skeleton text"></span></span>
          <span class="price"><span class="skeleton text short"></span></span>
        </div>
      }
    </div>`,
  styles: `.skeleton { display: block; } .short { width: 45%; }`,
  changeDetection: ChangeDetectionStrategy.OnPush,
})
export class SkeletonGrid {
  readonly count = input(8);
  protected readonly t = texts();
  protected readonly places = computed(() => Array.from({ length: this.count() }, (_, i) => i));
}
