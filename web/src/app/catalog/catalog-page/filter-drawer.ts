import { ChangeDetectionStrategy, Component, input, output } from '@angular/core';
import { Drawer } from 'primeng/drawer';
import { texts } from '../../i18n/i18n';
import { ModalDrawer } from '../../ui/modal-drawer';
import { usePrimeNG } from '../../ui/primeng';
import { FilterPanel } from './filter-panel';

/** The filters on a phone. */
@Component({
  selector: 'app-filter-drawer',
  imports: [Drawer, ModalDrawer, FilterPanel],
  template: `<p-drawer [visible]="open()" (visibleChange)="$event || closed.emit()" position="left" [header]="t().catalog.filters" [ariaCloseLabel]="t().common.close" styleClass="filter-drawer">
    <app-filter-panel />
    <ng-template #footer>
      <button type="button" class="btn wide" (click)="closed.emit()">{{ t().catalog.showResults(total()) }}</button>
    </ng-template>
  </p-drawer>`,
  changeDetection: ChangeDetectionStrategy.OnPush,
})
export class FilterDrawer {
  readonly open = input.required<boolean>();
  readonly total = input.required<number>();
  readonly closed = output();
  protected readonly t = texts();

  constructor() {
    usePrimeNG();
  }
}
