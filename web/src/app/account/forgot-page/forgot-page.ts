import { ChangeDetectionStrategy, Component, inject, signal } from '@angular/core';
import { FormControl, FormGroup, ReactiveFormsModule, Validators } from '@angular/forms';
import { RouterLink } from '@angular/router';
import { texts } from '../../i18n/i18n';
import { Countdown } from '../../ui/countdown';
import { Icon } from '../../ui/icon';
import { TextField } from '../../ui/text-field';
import { AccountClient } from '../account-client';
import { FormAct } from '../form-act';
import { FormFailure } from '../form-failure';

@Component({
  selector: 'app-forgot-page',
  imports: [ReactiveFormsModule, RouterLink, FormFailure, Icon, TextField],
  providers: [FormAct, Countdown],
  template: `<div class="narrow page">
    <div class="page-head"><h1>{{ t().account.forgotTitle }}</h1></div>
    <div class="stack">
      @if (sent()) {
        <div class="note ok" role="status"><app-icon name="mail" /><p>{{ t().account.forgotSent }}</p></div>
      } @else {
        <form class="panel stack" [formGroup]="form" (ngSubmit)="submit()" novalidate>
          <p class="muted">{{ t().account.forgotText }}</p>
          <app-form-failure />
          <app-text-field [control]="form.controls.email" [label]="t().account.email" type="email" autocomplete="email" inputmode="email" />
          <button type="submit" class="btn" [attr.aria-busy]="act.isBusy()">{{ t().account.forgotSend }}</button>
        </form>
      }
      <p><a routerLink="/sign-in">{{ t().account.backToSignIn }}</a></p>
    </div>
  </div>`,
  changeDetection: ChangeDetectionStrategy.OnPush,
})
export class ForgotPage {
  protected readonly t = texts();
  protected readonly act = inject(FormAct);
  protected readonly sent = signal(false);
  protected readonly form = new FormGroup({ email: new FormControl('', { nonNullable: true, validators: [Validators.required, Validators.email] }) });
  private readonly client = inject(AccountClient);

  protected async submit(): Promise<void> {
    if (await this.act.run(this.form, () => this.client.forgot(this.form.controls.email.value.trim()))) this.sent.set(true);
  }
}
