import { ChangeDetectionStrategy, Component } from '@angular/core';
import { texts } from '../i18n/i18n';
import { Icon } from '../ui/icon';

@Component({
  selector: 'app-offline-page',
  imports: [Icon],
  template: `<div class="wrap page">
    <div class="state">
      <app-icon name="offline" [size]="32" />
      <h1>{{ t().offline.title }}</h1>
      <p>{{ t().offline.text }}</p>
      <div class="row"><button type="button" class="btn" (click)="again()">{{ t().common.retry }}</button></div>
    </div>
  </div>`,
  styles: 'h1 { font-size: 1.75rem; }',
  changeDetection: ChangeDetectionStrategy.OnPush,
})
export class OfflinePage {
  protected readonly t = texts();

  protected again(): void {
    if (location.pathname === '/offline') location.assign('/');
    else location.reload();
  }
}
