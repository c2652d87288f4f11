import { ChangeDetectionStrategy, Component, afterNextRender, inject } from '@angular/core';
import { MessageService } from 'primeng/api';
import { Toast } from 'primeng/toast';
import { Icon } from './icon';
import { usePrimeNG } from './primeng';
import type { ToastAction } from './toasts';
import { Toasts } from './toasts';

/** Draws the messages of `Toasts`. */
@Component({
  selector: 'app-toast-area',
  imports: [Toast, Icon],
  providers: [MessageService],
  template: `<p-toast position="bottom-right" [breakpoints]="{ '640px': { width: 'calc(100% - 32px)', right: '16px', left: '16px' } }">
    <ng-template #message let-message>
      <app-icon [name]="message.severity === 'success' ? 'check' : message.severity === 'info' ? 'info' : 'warn'" />
      <div class="text">
        <p class="strong">{{ message.summary }}</p>
        @if (message.detail) {
          <p class="detail">{{ message.detail }}</p>
        }
        @if (message.data; as action) {
          <button type="button" class="link-btn" (click)="run(action)">{{ action.label }}</button>
        }
      </div>
    </ng-template>
  </p-toast>`,
  styles: `
    .text { flex: 1; min-width: 0; }
    .detail { color: var(--ink); font-size: 0.875rem; }
    .link-btn { min-height: 44px; margin-bottom: -10px; font-weight: 600; }
  `,
  changeDetection: ChangeDetectionStrategy.OnPush,
})
export class ToastArea {
  private readonly toasts = inject(Toasts);

  constructor() {
    usePrimeNG();
    const messages = inject(MessageService);
    afterNextRender(() => this.toasts.ready(messages));
  }

  protected run(action: ToastAction): void {
    this.toasts.dismiss();
    action.run();
  }
}
