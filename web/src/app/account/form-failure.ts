import { ChangeDetectionStrategy, Component, inject } from '@angular/core';
import { texts } from '../i18n/i18n';
import { Errors } from '../ui/errors';
import { Icon } from '../ui/icon';
import { FormAct } from './form-act';

/** The failure of the enclosing `FormAct`. */
@Component({
  selector: 'app-form-failure',
  imports: [Icon],
  template: `@if (act.failure(); as failure) {
    <div class="note bad" role="alert">
      <app-icon name="warn" />
      <p>{{ errors.message(failure) }}
        @if (act.waitSeconds() > 0) {
          {{ t().common.retryIn(act.waitSeconds()) }}.
        }
      </p>
    </div>
  }`,
  changeDetection: ChangeDetectionStrategy.OnPush,
})
export class FormFailure {
  protected readonly act = inject(FormAct);
  protected readonly errors = inject(Errors);
  protected readonly t = texts();
}
