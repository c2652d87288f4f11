import { ChangeDetectionStrategy, Component, computed, inject, input, output } from '@angular/core';
import type { Failure } from '../api/problem';
import { failureOf } from '../api/problem';
import { texts } from '../i18n/i18n';
import { Countdown } from './countdown';
import { Errors } from './errors';
import { Icon } from './icon';

/** The error state of a page or part: what happened, and a way to try again. */
@Component({
  selector: 'app-failed',
  imports: [Icon],
  providers: [Countdown],
  template: `<div class="state failed" role="alert">
    <app-icon name="warn" [size]="28" />
    <h2>{{ t().common.failedTitle }}</h2>
    <p>{{ message() }}</p>
    <button type="button" class="btn" [attr.aria-disabled]="countdown.left() > 0" (click)="again()">
      {{ countdown.left() > 0 ? t().common.retryIn(countdown.left()) : t().common.retry }}
    </button>
  </div>`,
  changeDetection: ChangeDetectionStrategy.OnPush,
})
export class Failed {
  /** The error that an HTTP call threw, or the failure made of it. */
  readonly error = input.required<unknown>();
  readonly retry = output();
  protected readonly t = texts();
  protected readonly countdown = inject(Countdown);
  private readonly errors = inject(Errors);
  private readonly failure = computed<Failure>(() => {
    const error = this.error();
    return isFailure(error) ? error : failureOf(error);
  });
  protected readonly message = computed(() => this.errors.message(this.failure()));

  constructor() {
    this.countdown.follow(() => this.failure().retryAfter);
  }

  protected again(): void {
    if (this.countdown.left() === 0) this.retry.emit();
  }
}

function isFailure(value: unknown): value is Failure {
  return typeof value === 'object' && value !== null && 'fields' in value && 'code' in value;
}
