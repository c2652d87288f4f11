import { Injectable, effect, inject, signal } from '@angular/core';
import { Title } from '@angular/platform-browser';
import type { RouterStateSnapshot } from '@angular/router';
import { TitleStrategy } from '@angular/router';
import type { Dictionary } from '../i18n/en';
import { I18n } from '../i18n/i18n';
import { ShopStore } from '../stores/shop-store';

export type TitleText = (t: Dictionary) => string;

/** The document's title: the page's, then the shop's. Routes name theirs as `data: { title: (t) => … }`. */
@Injectable({ providedIn: 'root' })
export class PageTitle extends TitleStrategy {
  private readonly title = inject(Title);
  private readonly i18n = inject(I18n);
  private readonly shop = inject(ShopStore);
  private readonly page = signal<TitleText | null>(null);

  constructor() {
    super();
    effect(() => {
      const text = this.page()?.(this.i18n.t());
      this.title.setTitle(text ? `${text} · ${this.shop.name()}` : this.shop.name());
    });
  }

  override updateTitle(snapshot: RouterStateSnapshot): void {
    let route = snapshot.root;
    while (route.firstChild) route = route.firstChild;
    const text = route.data['title'] as TitleText | undefined;
    if (text) this.page.set(text);
  }

  /** Sets the title of a page that depends on its data. */
  set(text: string): void {
    this.page.set(() => text);
  }
}
