import { ChangeDetectionStrategy, Component, DestroyRef, ElementRef, inject, output, signal } from '@angular/core';
import { FormControl, FormGroup, ReactiveFormsModule, Validators } from '@angular/forms';
import { RouterLink } from '@angular/router';
import type { Failure } from '../api/problem';
import { failureOf } from '../api/problem';
import { texts } from '../i18n/i18n';
import { Entry } from '../stores/entry';
import { Countdown } from './countdown';
import { Errors } from './errors';
import { checkForm, showFieldErrors } from './forms';
import { Icon } from './icon';
import { TextField } from './text-field';

/** Sign-in with e-mail address and password. Too many attempts count down. */
@Component({
  selector: 'app-sign-in-form',
  imports: [ReactiveFormsModule, RouterLink, TextField, Icon],
  providers: [Countdown],
  template: `<form class="stack" [formGroup]="form" (ngSubmit)="submit()" novalidate>
    @if (failure(); as it) {
      <div class="note bad" role="alert"><app-icon name="warn" /><p>{{ errors.message(it) }}
        @if (countdown.left() > 0) {
          {{ t().common.retryIn(countdown.left()) }}.
        }
      </p></div>
    }
    <app-text-field [control]="form.controls.email" [label]="t().account.email" type="email" autocomplete="username" inputmode="email" />
    <app-text-field [control]="form.controls.password" [label]="t().account.password" type="password" autocomplete="current-password" />
    <button type="submit" class="btn submit" [attr.aria-busy]="isBusy()">{{ isBusy() ? t().account.signingIn : t().account.signIn }}</button>
    <p class="small"><a routerLink="/forgot-password">{{ t().account.forgot }}</a></p>
  </form>`,
  styles: '.submit { justify-content: center; }',
  changeDetection: ChangeDetectionStrategy.OnPush,
})
export class SignInForm {
  readonly done = output();
  protected readonly t = texts();
  protected readonly errors = inject(Errors);
  protected readonly countdown = inject(Countdown);
  protected readonly isBusy = signal(false);
  protected readonly failure = signal<Failure | null>(null);
  protected readonly form = new FormGroup({
    email: new FormControl('', { nonNullable: true, validators: [Validators.required] }),
    password: new FormControl('', { nonNullable: true, validators: [Validators.required] }),
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
      await this.entry.signIn(email.trim(), password);
      // The page may have gone on to its next step, and the form with it.
      if (!this.destroyed.destroyed) this.done.emit();
    } catch (error) {
      const failure = failureOf(error);
      this.failure.set(failure);
      this.countdown.start(failure.retryAfter ?? 0);
      showFieldErrors(this.form, failure, this.host.nativeElement);
    } finally {
      this.isBusy.set(false);
    }
  }
}
