import { ChangeDetectionStrategy, Component, inject } from '@angular/core';
import { RouterLink } from '@angular/router';
import type { Language } from '../i18n/i18n';
import { I18n, LANGUAGES } from '../i18n/i18n';
import { LanguageChoice } from '../session/language-choice';
import { ShopStore } from '../stores/shop-store';
import type { Theme } from './preferences';
import { Preferences } from './preferences';

@Component({
  selector: 'app-footer',
  imports: [RouterLink],
  template: `<footer class="site-footer">
    <div class="wrap cols">
      <div class="stack-s">
        <p class="logo">{{ shop.name() }}</p>
        <p class="muted small">{{ t().footer.about }}</p>
      </div>
      <nav class="links" [attr.aria-label]="t().footer.shop">
        <a routerLink="/search">{{ t().footer.all }}</a>
        <a routerLink="/search" [queryParams]="{ sort: 'newest' }">{{ t().footer.newest }}</a>
        <a routerLink="/wishlist">{{ t().header.wishlist }}</a>
      </nav>
      <nav class="links" [attr.aria-label]="t().footer.you">
        <a routerLink="/account">{{ t().header.account }}</a>
        <a routerLink="/orders">{{ t().footer.orders }}</a>
        <a href="/docs">{{ t().footer.api }}</a>
      </nav>
      <div class="stack-s">
        <div class="field">
          <label for="footer-language">{{ t().footer.language }}</label>
          <select id="footer-language" #language (change)="setLanguage(language.value)">
            @for (item of languages; track item.code) {
              <option [value]="item.code" [selected]="item.code === i18n.language()" [attr.lang]="item.code">{{ item.name }}</option>
            }
          </select>
        </div>
        <div class="field">
          <label for="footer-theme">{{ t().footer.theme }}</label>
          <select id="footer-theme" #theme (change)="setTheme(theme.value)">
            <option value="auto" [selected]="preferences.theme() === 'auto'">{{ t().footer.themeAuto }}</option>
            <option value="light" [selected]="preferences.theme() === 'light'">{{ t().footer.themeLight }}</option>
            <option value="dark" [selected]="preferences.theme() === 'dark'">{{ t().footer.themeDark }}</option>
          </select>
        </div>
      </div>
    </div>
  </footer>`,
  styles: `.links { display: grid; align-content: start; justify-items: start; } .links a { text-decoration: none; } .links a:hover { text-decoration: underline; } .logo { min-height: 0; }`,
  changeDetection: ChangeDetectionStrategy.OnPush,
})
export class Footer {
  protected readonly i18n = inject(I18n);
  protected readonly t = this.i18n.t;
  protected readonly languages = LANGUAGES;
  protected readonly preferences = inject(Preferences);
  private readonly choice = inject(LanguageChoice);
  protected readonly shop = inject(ShopStore);

  protected setLanguage(code: string): void {
    void this.choice.use(code as Language);
  }

  protected setTheme(theme: string): void {
    this.preferences.use(theme as Theme);
  }
}
