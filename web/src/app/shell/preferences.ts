import { DOCUMENT, Injectable, inject, signal } from '@angular/core';

export type Theme = 'auto' | 'light' | 'dark';

/** The visitor's choice of light or dark. Kept in a cookie, which the gateway reads to send the right page at once. */
@Injectable({ providedIn: 'root' })
export class Preferences {
  private readonly document = inject(DOCUMENT);
  private readonly chosen = signal<Theme>(this.read());
  readonly theme = this.chosen.asReadonly();

  /** Applies the cookie to the document, for pages that came without the gateway's help. */
  start(): void {
    this.apply(this.chosen());
  }

  use(theme: Theme): void {
    const age = theme === 'auto' ? 0 : 31_536_000;
    const secure = this.document.location.protocol === 'https:' ? '; Secure' : '';
    this.document.cookie = `souk_theme=${theme}; Path=/; Max-Age=${age}; SameSite=Lax${secure}`;
    this.chosen.set(theme);
    this.apply(theme);
  }

  private apply(theme: Theme): void {
    const { classList } = this.document.documentElement;
    classList.toggle('light', theme === 'light');
    classList.toggle('dark', theme === 'dark');
  }

  private read(): Theme {
    const cookie = /(?:^|;\s*)souk_theme=(light|dark)\b/.exec(this.document.cookie)?.[1];
    return cookie === 'light' || cookie === 'dark' ? cookie : 'auto';
  }
}
