import { ChangeDetectionStrategy, Component } from '@angular/core';
import { RouterLink } from '@angular/router';
import { texts } from '../i18n/i18n';

@Component({
  selector: 'app-not-found-page',
  imports: [RouterLink],
  template: `<div class="wrap page">
    <div class="state">
      <p class="big" aria-hidden="true">404</p>
      <h1>{{ t().notFound.title }}</h1>
      <p>{{ t().notFound.text }}</p>
      <div class="row">
        <a class="btn" routerLink="/search">{{ t().footer.all }}</a>
        <a class="btn quiet" routerLink="/">{{ t().common.home }}</a>
      </div>
    </div>
  </div>`,
  styles: `.big { font-size: 4rem; font-weight: 700; letter-spacing: -0.04em; color: var(--brand); line-height: 1; } h1 { font-size: 1.75rem; }`,
  changeDetection: ChangeDetectionStrategy.OnPush,
})
export class NotFoundPage {
  protected readonly t = texts();
}
