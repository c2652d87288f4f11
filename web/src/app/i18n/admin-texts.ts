import { Injectable, computed, effect, inject, signal } from '@angular/core';
import type { AdminDictionary } from './admin.en';
import type { Language } from './i18n';
import { I18n } from './i18n';

const LOADERS: Record<Language, () => Promise<AdminDictionary>> = {
  en: () => import('./admin.en').then((module) => module.adminEn),
  de: () => import('./admin.de').then((module) => module.adminDe),
};

/** Texts of the back office, loaded with its first page. */
@Injectable({ providedIn: 'root' })
export class AdminTexts {
  private readonly i18n = inject(I18n);
  private readonly dictionary = signal<AdminDictionary | null>(null);
  readonly isLoaded = computed(() => this.dictionary() !== null);
  readonly a = computed<AdminDictionary>(() => {
    const dictionary = this.dictionary();
    if (!dictionary) throw new Error('a text was read before its dictionary was loaded');
    return dictionary;
  });

  constructor() {
    effect(() => void this.load(this.i18n.language()));
  }

  async load(language: Language): Promise<void> {
    this.dictionary.set(await LOADERS[language]());
  }
}

/** Makes `a()` available in a component of the back office. */
export function adminTexts() {
  return inject(AdminTexts).a;
}
