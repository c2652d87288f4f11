import { Injectable, inject } from '@angular/core';
import type { Failure } from '../api/problem';
import { failureOf } from '../api/problem';
import { I18n } from '../i18n/i18n';
import { Toasts } from './toasts';

/** Messages about failures. */
@Injectable({ providedIn: 'root' })
export class Errors {
  private readonly i18n = inject(I18n);
  private readonly toasts = inject(Toasts);

  message(failure: Failure): string {
    const { errors } = this.i18n.t();
    const known = errors.codes[failure.code];
    if (known) return known;
    if (failure.status === 0) return errors.network;
    if (failure.status === 429) return errors.tooMany;
    if ([502, 503, 504].includes(failure.status)) return errors.unavailable;
    return failure.detail ?? errors.unknown;
  }

  /** Shows what went wrong with an act that has no place of its own on the page. */
  toast(error: unknown): Failure {
    const failure = failureOf(error);
    const { retryIn } = this.i18n.t().common;
    const detail = failure.retryAfter === null ? undefined : retryIn(failure.retryAfter);
    this.toasts.show({ severity: 'error', summary: this.message(failure), detail });
    return failure;
  }
}
