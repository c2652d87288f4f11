import { ChangeDetectionStrategy, Component, inject } from '@angular/core';
import { FormControl, FormGroup, ReactiveFormsModule, Validators } from '@angular/forms';
import { Router } from '@angular/router';
import { texts } from '../../i18n/i18n';
import { Session } from '../../session/session';
import { Countdown } from '../../ui/countdown';
import { TextField } from '../../ui/text-field';
import { Toasts } from '../../ui/toasts';
import { AccountClient } from '../account-client';
import { FormAct } from '../form-act';
import { FormFailure } from '../form-failure';

/** A new password. It ends all sign-ins, this one included. */
@Component({
  selector: 'app-password-form',
  imports: [ReactiveFormsModule, FormFailure, TextField],
  providers: [FormAct, Countdown],
  template: `<form class="stack" [formGroup]="form" (ngSubmit)="submit()" novalidate>
    <app-form-failure />
    <input type="text" autocomplete="username" [value]="session.user()?.email ?? ''" hidden readonly />
    <app-text-field [control]="form.controls.current" [label]="t().account.currentPassword" type="password" autocomplete="current-password" />
    <app-text-field [control]="form.controls.new" [label]="t().account.newPassword" type="password" autocomplete="new-password" [hint]="t().account.passwordHint" />
    <div><button class="btn" type="submit" [attr.aria-busy]="act.isBusy()">{{ t().account.changePassword }}</button></div>
  </form>`,
  changeDetection: ChangeDetectionStrategy.OnPush,
})
export class PasswordForm {
  protected readonly t = texts();
  protected readonly act = inject(FormAct);
  protected readonly session = inject(Session);
  private readonly client = inject(AccountClient);
  private readonly router = inject(Router);
  private readonly toasts = inject(Toasts);
  protected readonly form = new FormGroup({
    current: new FormControl('', { nonNullable: true, validators: [Validators.required] }),
    new: new FormControl('', { nonNullable: true, validators: [Validators.required, Validators.minLength(10), Validators.maxLength(256)] }),
  });

  protected async submit(): Promise<void> {
    const { current, new: next } = this.form.getRawValue();
    if (!(await this.act.run(this.form, () => this.client.changePassword(current, next)))) return;
    await this.session.signOut();
    this.toasts.success(this.t().account.passwordChanged);
    await this.router.navigateByUrl('/sign-in');
  }
}
