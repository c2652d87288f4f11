import { ElementRef, Injectable, inject, signal } from '@angular/core';
import type { FormGroup } from '@angular/forms';
import type { Failure } from '../api/problem';
import { failureOf } from '../api/problem';
import { Countdown } from '../ui/countdown';
import { checkForm, showFieldErrors } from '../ui/forms';

/** Sends a form: busy while it goes out, errors where they belong, a countdown after too many attempts. */
@Injectable()
export class FormAct {
  private readonly host = inject<ElementRef<HTMLElement>>(ElementRef);
  private readonly countdown = inject(Countdown);
  private readonly busy = signal(false);
  private readonly failed = signal<Failure | null>(null);
  readonly isBusy = this.busy.asReadonly();
  readonly failure = this.failed.asReadonly();
  readonly waitSeconds = this.countdown.left;

  /** Returns true if `send` succeeded. */
  async run(form: FormGroup, send: () => Promise<unknown>): Promise<boolean> {
    if (this.busy() || this.countdown.left() > 0 || !checkForm(form, this.host.nativeElement)) return false;
    this.busy.set(true);
    this.failed.set(null);
    try {
      await send();
      return true;
    } catch (error) {
      const failure = failureOf(error);
      this.countdown.start(failure.retryAfter ?? 0);
      if (!showFieldErrors(form, failure, this.host.nativeElement)) this.failed.set(failure);
      return false;
    } finally {
      this.busy.set(false);
    }
  }
}
