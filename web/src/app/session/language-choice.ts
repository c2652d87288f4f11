import { HttpClient } from '@angular/common/http';
import { Injectable, inject } from '@angular/core';
import { firstValueFrom } from 'rxjs';
import type { User } from '../api/types';
import type { Language } from '../i18n/i18n';
import { I18n } from '../i18n/i18n';
import { Session } from './session';

/** A person's choice of language: for the pages in this browser, and for the mails to the account that is signed in. */
@Injectable({ providedIn: 'root' })
export class LanguageChoice {
  private readonly http = inject(HttpClient);
  private readonly i18n = inject(I18n);
  private readonly session = inject(Session);
  private saving: Promise<void> = Promise.resolve();

  async use(language: Language): Promise<void> {
    await this.i18n.use(language);
    // One after another, so that of quick choices the last one stays.
    this.saving = this.saving.then(() => this.save());
    await this.saving;
  }

  private async save(): Promise<void> {
    await this.session.restore();
    const user = this.session.user();
    const language = this.i18n.language();
    if (!user || !this.session.isCustomer() || user.language === language) return;
    try {
      const changed = await firstValueFrom(this.http.patch<User>('/api/auth/me', { language }));
      if (this.session.user()?.userId === changed.userId) this.session.update(changed);
    } catch {
      // The page is in the new language. The mails keep theirs, which the account page shows, until the next choice.
    }
  }
}
