import { ChangeDetectionStrategy, Component, computed, effect, inject } from '@angular/core';
import { toSignal } from '@angular/core/rxjs-interop';
import { FormControl, FormGroup, ReactiveFormsModule, Validators } from '@angular/forms';
import type { Language } from '../../i18n/i18n';
import { I18n, LANGUAGES } from '../../i18n/i18n';
import { Session } from '../../session/session';
import { Countdown } from '../../ui/countdown';
import { TextField } from '../../ui/text-field';
import { Toasts } from '../../ui/toasts';
import { AccountClient } from '../account-client';
import { FormAct } from '../form-act';
import { FormFailure } from '../form-failure';

@Component({
  selector: 'app-profile-form',
  imports: [ReactiveFormsModule, FormFailure, TextField],
  providers: [FormAct, Countdown],
  template: `<form class="stack" [formGroup]="form" (ngSubmit)="submit()" novalidate>
    <app-form-failure />
    <app-text-field [control]="form.controls.email" [label]="t().account.email" type="email" autocomplete="email" inputmode="email" />
    @if (isNewEmail()) {
      <app-text-field [control]="form.controls.current" [label]="t().account.currentPassword" type="password" autocomplete="current-password" />
    }
    <app-text-field [control]="form.controls.username" [label]="t().account.username" autocomplete="nickname" />
    <div class="field">
      <label for="profile-language">{{ t().account.mailLanguage }}</label>
      <select id="profile-language" formControlName="language">
        @for (item of languages; track item.code) {
          <option [value]="item.code" [attr.lang]="item.code">{{ item.name }}</option>
        }
      </select>
    </div>
    <div><button class="btn" type="submit" [attr.aria-busy]="act.isBusy()">{{ t().common.save }}</button></div>
  </form>`,
  changeDetection: ChangeDetectionStrategy.OnPush,
})
export class ProfileForm {
  private readonly i18n = inject(I18n);
  protected readonly t = this.i18n.t;
  protected readonly languages = LANGUAGES;
  protected readonly act = inject(FormAct);
  private readonly session = inject(Session);
  private readonly client = inject(AccountClient);
  private readonly toasts = inject(Toasts);
  protected readonly form = new FormGroup({
    email: new FormControl(this.session.user()?.email ?? '', { nonNullable: true, validators: [Validators.required, Validators.email, Validators.maxLength(191)] }),
    /** A new address opens the account, so it takes the password. */
    current: new FormControl('', { nonNullable: true }),
    username: new FormControl(this.session.user()?.username ?? '', { nonNullable: true, validators: [Validators.required, Validators.minLength(3), Validators.maxLength(40)] }),
    language: new FormControl<Language>(this.i18n.language(), { nonNullable: true }),
  });

  private readonly email = toSignal(this.form.controls.email.valueChanges, { initialValue: this.form.controls.email.value });
  protected readonly isNewEmail = computed(() => this.email().trim() !== (this.session.user()?.email ?? ''));

  constructor() {
    // The choice at the end of the page changes it as well.
    effect(() => {
      const language = this.session.user()?.language;
      if (language) this.form.controls.language.setValue(language);
    });
  }

  protected async submit(): Promise<void> {
    const { email, username, language, current } = this.form.getRawValue();
    const change = { email: email.trim(), username: username.trim(), language, ...(this.isNewEmail() ? { current } : {}) };
    const done = await this.act.run(this.form, async () => this.session.update(await this.client.change(change)));
    if (!done) return;
    this.form.controls.current.reset();
    this.toasts.success(this.t().common.saved);
  }
}
