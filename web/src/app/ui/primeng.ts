import { CSP_NONCE, Injectable, effect, inject } from '@angular/core';
import { PrimeNG } from 'primeng/config';
import { I18n } from '../i18n/i18n';
import { preset } from './preset';

/** Theme, nonce and texts of PrimeNG. It comes with the first of its parts, not with the first page. */
@Injectable({ providedIn: 'root' })
export class PrimeSetup {
  constructor() {
    const primeng = inject(PrimeNG);
    const i18n = inject(I18n);
    const nonce = inject(CSP_NONCE, { optional: true }) ?? undefined;
    primeng.setConfig({
      theme: { preset, options: { darkModeSelector: '.dark', cssLayer: { name: 'primeng', order: 'base, primeng, app' } } },
      csp: { nonce },
    });
    effect(() => {
      const { common, catalog } = i18n.t();
      primeng.setTranslation({
        aria: { close: common.close, previousPageLabel: common.previous, nextPageLabel: common.next },
        emptyMessage: catalog.emptyTitle,
        emptySearchMessage: catalog.emptyTitle,
      });
    });
  }
}

/** Call it in the constructor of a component that uses parts of PrimeNG. */
export function usePrimeNG(): void {
  inject(PrimeSetup);
}
