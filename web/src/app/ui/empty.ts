import { ChangeDetectionStrategy, Component, input } from '@angular/core';
import type { IconName } from './icon';
import { Icon } from './icon';

/** The empty state of a page: why there is nothing, and a way on as its content. */
@Component({
  selector: 'app-empty',
  imports: [Icon],
  template: `<div class="state">
    <app-icon [name]="icon()" [size]="28" />
    <h2>{{ heading() }}</h2>
    @if (text()) {
      <p>{{ text() }}</p>
    }
    <div class="row"><ng-content /></div>
  </div>`,
  changeDetection: ChangeDetectionStrategy.OnPush,
})
export class Empty {
  readonly icon = input<IconName>('box');
  readonly heading = input.required<string>();
  readonly text = input('');
}
