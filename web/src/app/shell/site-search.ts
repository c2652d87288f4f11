import { ChangeDetectionStrategy, Component, ElementRef, computed, effect, inject, signal, viewChild } from '@angular/core';
import { NavigationEnd, Router } from '@angular/router';
import { MoneyPipe } from '../i18n/format';
import { texts } from '../i18n/i18n';
import { Announcer } from '../ui/announcer';
import { Icon } from '../ui/icon';
import { Picture } from '../ui/picture';
import { SuggestStore } from './suggest-store';

interface Choice {
  id: string;
  kind: 'product' | 'category' | 'brand' | 'all';
  label: string;
  go: () => void;
}

/** The search field with suggestions: a combobox with a list, by the pattern of the ARIA guide. */
@Component({
  selector: 'app-site-search',
  imports: [Icon, MoneyPipe, Picture],
  providers: [SuggestStore],
  template: `<form role="search" action="/search" (submit)="submit($event)" (focusout)="leave($event)">
    <label class="vh" for="site-search">{{ t().header.search }}</label>
    <input #field id="site-search" name="q" type="search" role="combobox" maxlength="200" autocomplete="off" enterkeyhint="search"
      [placeholder]="t().header.searchPlaceholder" aria-autocomplete="list" aria-controls="site-suggestions"
      [attr.aria-expanded]="isOpen()" [attr.aria-activedescendant]="active()?.id ?? null" [value]="text()"
      (input)="type(field.value)" (focus)="focused.set(true)" (keydown)="key($event)" />
    <button type="submit" class="icon-btn go" [attr.aria-label]="t().header.searchGo"><app-icon name="search" /></button>
    <div class="list" id="site-suggestions" role="listbox" [attr.aria-label]="t().header.suggestions" [hidden]="!isOpen()">
      @for (choice of choices(); track choice.id; let i = $index) {
        <div role="option" tabindex="-1" class="choice" [id]="choice.id" [class.on]="i === index()" [attr.aria-selected]="i === index()"
          (mousedown)="$event.preventDefault()" (click)="choice.go()" (keydown.enter)="choice.go()">
          @switch (choice.kind) {
            @case ('product') {
              @if (product(i); as item) {
                <app-picture [url]="item.imageUrl" [eager]="true" sizes="48px" />
                <span class="what"><span class="name">{{ item.name }}</span><span class="muted tiny">{{ item.brand }}</span></span>
                <span class="num strong">
                  @if (item.pricesDiffer) {
                    {{ t().card.from }}
                  }
                  {{ item.priceFrom | money }}
                </span>
              }
            }
            @case ('all') {
              <app-icon name="search" [size]="18" /><span class="what strong">{{ choice.label }}</span>
            }
            @default {
              <app-icon [name]="choice.kind === 'brand' ? 'tag' : 'grid'" [size]="18" /><span class="what">{{ choice.label }}</span>
              <span class="muted tiny">{{ choice.kind === 'brand' ? t().catalog.brand : t().catalog.category }}</span>
            }
          }
        </div>
      }
    </div>
  </form>`,
  styles: `
    .list { position: absolute; z-index: 12; top: calc(100% + 6px); left: 0; right: 0; background: var(--surface); border: 1px solid var(--line); border-radius: var(--r-card); box-shadow: var(--overlay-shadow); padding: 6px; max-height: min(70vh, 520px); overflow-y: auto; }
    .choice { display: flex; align-items: center; gap: 12px; padding: 6px 10px; min-height: 44px; border-radius: var(--r-control); cursor: pointer; }
    .choice.on, .choice:hover { background: var(--wash); }
    .choice .picture { width: 48px; flex: none; border-radius: var(--r-control); }
    .what { flex: 1; min-width: 0; display: grid; line-height: 1.3; }
    .name { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
  `,
  changeDetection: ChangeDetectionStrategy.OnPush,
})
export class SiteSearch {
  protected readonly t = texts();
  protected readonly text = signal('');
  protected readonly focused = signal(false);
  protected readonly index = signal(-1);
  private readonly store = inject(SuggestStore);
  private readonly router = inject(Router);
  private readonly announcer = inject(Announcer);
  private readonly host = inject<ElementRef<HTMLElement>>(ElementRef);
  private readonly field = viewChild.required<ElementRef<HTMLInputElement>>('field');

  protected readonly choices = computed<Choice[]>(() => {
    const found = this.store.suggestions();
    const q = this.store.query();
    if (!found || q.length < 2) return [];
    const choices: Omit<Choice, 'id'>[] = found.products.map((item) => ({
      kind: 'product',
      label: item.name,
      go: () => this.leaveFor(['/products', item.slug]),
    }));
    for (const item of found.categories) {
      choices.push({ kind: 'category', label: item.name, go: () => this.leaveFor(['/c', item.slug]) });
    }
    for (const brand of found.brands) {
      choices.push({ kind: 'brand', label: brand, go: () => this.leaveFor(['/search'], { brand }) });
    }
    const meant = found.corrected;
    if (meant) choices.push({ kind: 'all', label: this.t().header.didYouMean(meant), go: () => this.leaveFor(['/search'], { q: meant }) });
    if (found.total || !meant) choices.push({ kind: 'all', label: this.t().header.allResults(q), go: () => this.leaveFor(['/search'], { q }) });
    return choices.map((choice, i) => ({ ...choice, id: `suggestion-${i}` }));
  });
  protected readonly isOpen = computed(() => this.focused() && this.choices().length > 0 && this.text().trim().length >= 2);
  protected readonly active = computed(() => (this.isOpen() ? (this.choices()[this.index()] ?? null) : null));

  constructor() {
    this.router.events.subscribe((event) => {
      if (!(event instanceof NavigationEnd)) return;
      const { queryParams } = this.router.parseUrl(event.urlAfterRedirects);
      this.text.set(event.urlAfterRedirects.startsWith('/search') ? String(queryParams['q'] ?? '') : '');
      this.store.clear();
    });
    effect(() => {
      const found = this.store.suggestions();
      if (found && this.focused()) this.announcer.say(this.t().header.suggestionsFor(this.choices().length - 1));
    });
  }

  protected product(i: number) {
    return this.store.suggestions()?.products[i];
  }

  protected type(text: string): void {
    this.text.set(text);
    this.focused.set(true);
    this.index.set(-1);
    this.store.type(text);
  }

  protected key(event: KeyboardEvent): void {
    const size = this.choices().length;
    if (event.key === 'Escape') {
      this.focused.set(false);
    } else if ((event.key === 'ArrowDown' || event.key === 'ArrowUp') && size > 0) {
      event.preventDefault();
      this.focused.set(true);
      const step = event.key === 'ArrowDown' ? 1 : -1;
      this.index.update((i) => (i + step + (i < 0 && step < 0 ? 1 : 0) + size) % size);
      setTimeout(() => this.host.nativeElement.querySelector('.choice.on')?.scrollIntoView({ block: 'nearest' }));
    }
  }

  protected submit(event: Event): void {
    event.preventDefault();
    const choice = this.active();
    if (choice) {
      choice.go();
      return;
    }
    const q = this.text().trim();
    if (q) this.leaveFor(['/search'], { q });
    else this.field().nativeElement.focus();
  }

  protected leave(event: FocusEvent): void {
    if (!this.host.nativeElement.contains(event.relatedTarget as Node | null)) this.focused.set(false);
  }

  private leaveFor(path: string[], queryParams: Record<string, string> = {}): void {
    this.focused.set(false);
    this.field().nativeElement.blur();
    void this.router.navigate(path, { queryParams });
  }
}
