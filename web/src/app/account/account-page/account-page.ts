import { ChangeDetectionStrategy, Component, inject } from '@angular/core';
import { Router, RouterLink } from '@angular/router';
import { texts } from '../../i18n/i18n';
import { Session } from '../../session/session';
import type { IconName } from '../../ui/icon';
import { Icon } from '../../ui/icon';
import { Toasts } from '../../ui/toasts';
import { PasswordForm } from './password-form';
import { ProfileForm } from './profile-form';

const LINKS: readonly { key: 'orders' | 'wishlist' | 'buyAgain' | 'notices'; path: string; icon: IconName }[] = [
  { key: 'orders', path: '/orders', icon: 'box' },
  { key: 'wishlist', path: '/wishlist', icon: 'heart' },
  { key: 'buyAgain', path: '/buy-again', icon: 'refresh' },
  { key: 'notices', path: '/notices', icon: 'bell' },
];

@Component({
  selector: 'app-account-page',
  imports: [RouterLink, Icon, PasswordForm, ProfileForm],
  template: `<div class="wrap page">
    <div class="page-head">
      <div><h1>{{ t().account.title }}</h1><p class="muted">{{ session.user()?.email }}</p></div>
      <button type="button" class="btn quiet" (click)="signOut()"><app-icon name="exit" [size]="18" />{{ t().account.signOut }}</button>
    </div>
    <ul class="links" role="list">
      @for (link of links; track link.path) {
        <li>
          <a class="panel tile" [routerLink]="link.path"><app-icon [name]="link.icon" [size]="26" /><span><span class="strong">{{ t().account.links[link.key] }}</span><br /><span class="muted small">{{ t().account.linkTexts[link.key] }}</span></span></a>
        </li>
      }
    </ul>
    <div class="forms">
      <section class="panel" aria-labelledby="profile"><h2 id="profile">{{ t().account.profile }}</h2><app-profile-form /></section>
      <section class="panel" aria-labelledby="password"><h2 id="password">{{ t().account.changePassword }}</h2><app-password-form /></section>
    </div>
  </div>`,
  styles: `
    .links { display: grid; gap: 12px; grid-template-columns: repeat(auto-fit, minmax(220px, 1fr)); margin-bottom: 32px; }
    .tile { display: flex; gap: 16px; align-items: center; text-decoration: none; height: 100%; line-height: 1.4; }
    .tile app-icon { color: var(--brand); }
    .tile:hover { border-color: var(--brand); }
    .forms { display: grid; gap: 24px; align-items: start; }
    h2 { font-size: 1.25rem; margin-bottom: 16px; }
    @media (min-width: 768px) { .forms { grid-template-columns: 1fr 1fr; } }
  `,
  changeDetection: ChangeDetectionStrategy.OnPush,
})
export class AccountPage {
  protected readonly t = texts();
  protected readonly session = inject(Session);
  protected readonly links = LINKS;
  private readonly router = inject(Router);
  private readonly toasts = inject(Toasts);

  protected async signOut(): Promise<void> {
    await this.session.signOut();
    this.toasts.success(this.t().account.signedOut);
    await this.router.navigateByUrl('/');
  }
}
