import { ChangeDetectionStrategy, Component, inject, input } from '@angular/core';
import { Router, RouterLink } from '@angular/router';
import { texts } from '../../i18n/i18n';
import { ownPath } from '../../session/guards';
import { Session } from '../../session/session';
import { RegisterForm } from '../../ui/register-form';
import { Toasts } from '../../ui/toasts';

@Component({
  selector: 'app-register-page',
  imports: [RouterLink, RegisterForm],
  template: `<div class="narrow page">
    <div class="page-head"><h1>{{ t().account.registerTitle }}</h1></div>
    <div class="stack">
      <div class="panel"><app-register-form (done)="done()" /></div>
      <p>{{ t().account.haveAccount }} <a routerLink="/sign-in" queryParamsHandling="preserve">{{ t().account.signIn }}</a></p>
    </div>
  </div>`,
  changeDetection: ChangeDetectionStrategy.OnPush,
})
export class RegisterPage {
  readonly returnUrl = input<string>();
  protected readonly t = texts();
  private readonly router = inject(Router);
  private readonly session = inject(Session);
  private readonly toasts = inject(Toasts);

  protected done(): void {
    this.toasts.success(this.t().account.welcome(this.session.displayName()));
    void this.router.navigateByUrl(ownPath(this.returnUrl()), { replaceUrl: true });
  }
}
