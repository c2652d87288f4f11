import { DOCUMENT, Injectable, computed, inject, signal } from '@angular/core';
import type { Dictionary } from './en';

export type Language = 'en' | 'de';
export const LANGUAGES: readonly { code: Language; name: string }[] = [
  { code: 'en', name: 'English' },
  { code: 'de', name: 'Deutsch' },
];

const LOADERS: Record<Language, () => Promise<Dictionary>> = {
  en: () => import('./en').then((module) => module.en),
  de: () => import('./de').then((module) => module.de),
};

/** Texts of the current language. Loaded before the first page appears. */
@Injectable({ providedIn: 'root' })
export class I18n {
  private readonly document = inject(DOCUMENT);
  private readonly dictionary = signal<Dictionary | null>(null);
  private readonly current = signal<Language>('en');

  readonly language = this.current.asReadonly();
  readonly t = computed<Dictionary>(() => {
    const dictionary = this.dictionary();
    if (!dictionary) throw new Error('a text was read before its dictionary was loaded');
    return dictionary;
  });

  /** Loads the language of the cookie `souk_lang`, else the browser's, else English. */
  start(): Promise<void> {
    return this.load(this.preferred());
  }

  /** Switches the language for this visit and the next ones. */
  async use(language: Language): Promise<void> {
    const secure = this.document.location.protocol === 'https:' ? '; Secure' : '';
    this.document.cookie = `souk_lang=${language}; Path=/; Max-Age=31536000; SameSite=Lax${secure}`;
    await this.load(language);
  }

  private async load(language: Language): Promise<void> {
    const dictionary = await LOADERS[language]();
    this.dictionary.set(dictionary);
    this.current.set(language);
    this.document.documentElement.lang = language;
  }

  private preferred(): Language {
    const cookie = /(?:^|;\s*)souk_lang=(en|de)\b/.exec(this.document.cookie)?.[1];
    const wanted = [cookie, ...(this.document.defaultView?.navigator.languages ?? [])];
    const known = wanted.map((tag) => tag?.slice(0, 2).toLowerCase()).find((tag) => tag === 'en' || tag === 'de');
    return (known as Language | undefined) ?? 'en';
  }
}

/** Makes `t()` available in a component: `protected readonly t = texts();`. */
export function texts() {
  return inject(I18n).t;
}
