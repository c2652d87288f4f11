import { ChangeDetectionStrategy, Component, inject, input } from '@angular/core';
import { FormControl, FormGroup, ReactiveFormsModule, Validators } from '@angular/forms';
import { Router, RouterLink } from '@angular/router';
import { texts } from '../../i18n/i18n';
import { Countdown } from '../../ui/countdown';
import { Empty } from '../../ui/empty';
import { TextField } from '../../ui/text-field';
import { Toasts } from '../../ui/toasts';
import { AccountClient } from '../account-client';
import { FormAct } from '../form-act';
import { FormFailure } from '../form-failure';

@Component({
  selector: 'app-reset-page',
  imports: [ReactiveFormsModule, RouterLink, Empty, FormFailure, TextField],
  providers: [FormAct, Countdown],
  template: `<div class="narrow page">
    <div class="page-head"><h1>{{ t().account.resetTitle }}</h1></div>
    @if (token()) {
      <form class="panel stack" [formGroup]="form" (ngSubmit)="submit()" novalidate>
        <app-form-failure />
        <app-text-field [control]="form.controls.new" [label]="t().account.newPassword" type="password" autocomplete="new-password" [hint]="t().account.passwordHint" />
        <button type="submit" class="btn" [attr.aria-busy]="act.isBusy()">{{ t().account.resetSubmit }}</button>
      </form>
    } @else {
      <app-empty icon="warn" [heading]="t().account.resetTitle" [text]="t().account.resetMissing"><a class="btn" routerLink="/forgot-password">{{ t().account.forgotTitle }}</a></app-empty>
    }
  </div>`,
  changeDetection: ChangeDetectionStrategy.OnPush,
})
export class ResetPage {
  readonly token = input<string>();
  protected readonly t = texts();
  protected readonly act = inject(FormAct);
  protected readonly form = new FormGroup({ new: new FormControl('', { nonNullable: true, validators: [Validators.required, Validators.minLength(10), Validators.maxLength(256)] }) });
  private readonly client = inject(AccountClient);
  private readonly router = inject(Router);
  private readonly toasts = inject(Toasts);

  protected async submit(): Promise<void> {
    const token = this.token() ?? '';
    if (!(await this.act.run(this.form, () => this.client.reset(token, this.form.controls.new.value)))) return;
    this.toasts.success(this.t().account.resetDone);
    void this.router.navigateByUrl('/sign-in', { replaceUrl: true });
  }
}
