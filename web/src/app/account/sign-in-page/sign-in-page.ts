import { ChangeDetectionStrategy, Component, inject, input } from '@angular/core';
import { Router, RouterLink } from '@angular/router';
import { texts } from '../../i18n/i18n';
import { ownPath } from '../../session/guards';
import { Session } from '../../session/session';
import { Icon } from '../../ui/icon';
import { SignInForm } from '../../ui/sign-in-form';
import { Toasts } from '../../ui/toasts';

@Component({
  selector: 'app-sign-in-page',
  imports: [RouterLink, Icon, SignInForm],
  template: `<div class="narrow page">
    <div class="page-head"><h1>{{ t().account.signInTitle }}</h1></div>
    <div class="stack">
      @if (returnUrl()) {
        <div class="note"><app-icon name="info" /><p>{{ t().account.returnTo }}</p></div>
      }
      <div class="panel"><app-sign-in-form (done)="done()" /></div>
      <p>{{ t().account.noAccount }} <a routerLink="/register" queryParamsHandling="preserve">{{ t().account.registerTitle }}</a></p>
    </div>
  </div>`,
  changeDetection: ChangeDetectionStrategy.OnPush,
})
export class SignInPage {
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
