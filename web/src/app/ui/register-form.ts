import { ChangeDetectionStrategy, Component, DestroyRef, ElementRef, inject, output, signal } from '@angular/core';
import { FormControl, FormGroup, ReactiveFormsModule, Validators } from '@angular/forms';
import type { Failure } from '../api/problem';
import { failureOf } from '../api/problem';
import { texts } from '../i18n/i18n';
import { Entry } from '../stores/entry';
import { Countdown } from './countdown';
import { Errors } from './errors';
import { checkForm, showFieldErrors } from './forms';
import { Icon } from './icon';
import { TextField } from './text-field';

/** Registration with e-mail address and password. */
@Component({
  selector: 'app-register-form',
  imports: [ReactiveFormsModule, TextField, Icon],
  providers: [Countdown],
  template: `<form class="stack" [formGroup]="form" (ngSubmit)="submit()" novalidate>
    @if (failure(); as it) {
      <div class="note bad" role="alert"><app-icon name="warn" /><p>{{ errors.message(it) }}
        @if (countdown.left() > 0) {
          {{ t().common.retryIn(countdown.left()) }}.
        }
      </p></div>
    }
    <app-text-field [control]="form.controls.email" [label]="t().account.email" type="email" autocomplete="email" inputmode="email" />
    <app-text-field [control]="form.controls.password" [label]="t().account.password" type="password" autocomplete="new-password" [hint]="t().account.passwordHint" />
    <button type="submit" class="btn submit" [attr.aria-busy]="isBusy()">{{ isBusy() ? t().account.registering : t().account.register }}</button>
  </form>`,
  styles: '.submit { justify-content: center; }',
  changeDetection: ChangeDetectionStrategy.OnPush,
})
export class RegisterForm {
  readonly done = output();
  protected readonly t = texts();
  protected readonly errors = inject(Errors);
  protected readonly countdown = inject(Countdown);
  protected readonly isBusy = signal(false);
  protected readonly failure = signal<Failure | null>(null);
  protected readonly form = new FormGroup({
    email: new FormControl('', { nonNullable: true, validators: [Validators.required, Validators.email, Validators.maxLength(191)] }),
    password: new FormControl('', { nonNullable: true, validators: [Validators.required, Validators.minLength(10), Validators.maxLength(256)] }),
  });
  private readonly destroyed = inject(DestroyRef);
  private readonly entry = inject(Entry);
  private readonly host = inject<ElementRef<HTMLElement>>(ElementRef);

  protected async submit(): Promise<void> {
    if (this.isBusy() || this.countdown.left() > 0 || !checkForm(this.form, this.host.nativeElement)) return;
    const { email, password } = this.form.getRawValue();
    this.isBusy.set(true);
    this.failure.set(null);
    try {
      await this.entry.register(email.trim(), password);
      // The page may have gone on to its next step, and the form with it.
      if (!this.destroyed.destroyed) this.done.emit();
    } catch (error) {
      const failure = failureOf(error);
      this.countdown.start(failure.retryAfter ?? 0);
      if (!showFieldErrors(this.form, failure, this.host.nativeElement)) this.failure.set(failure);
    } finally {
      this.isBusy.set(false);
    }
  }
}
