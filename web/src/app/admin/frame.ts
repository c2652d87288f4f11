import { ChangeDetectionStrategy, Component, ViewEncapsulation, inject, signal } from '@angular/core';
import { NavigationEnd, Router, RouterLink, RouterLinkActive, RouterOutlet } from '@angular/router';
import { NgTemplateOutlet } from '@angular/common';
import { Drawer } from 'primeng/drawer';
import { AdminTexts } from '../i18n/admin-texts';
import { texts } from '../i18n/i18n';
import type { AdminDictionary } from '../i18n/admin.en';
import { ShopStore } from '../stores/shop-store';
import type { IconName } from '../ui/icon';
import { Icon } from '../ui/icon';
import { ModalDrawer } from '../ui/modal-drawer';
import { usePrimeNG } from '../ui/primeng';
import { DeadLetterCount } from './dead-letters/dead-letter-count';

interface Entry {
  key: keyof AdminDictionary['nav'];
  path: string;
  icon: IconName;
}
const SHOP: readonly Entry[] = [
  { key: 'dashboard', path: '/admin', icon: 'chart' },
  { key: 'orders', path: '/admin/orders', icon: 'box' },
  { key: 'products', path: '/admin/products', icon: 'tag' },
  { key: 'categories', path: '/admin/categories', icon: 'grid' },
  { key: 'customers', path: '/admin/customers', icon: 'people' },
  { key: 'notices', path: '/admin/notices', icon: 'mail' },
];
const OPERATIONS: readonly Entry[] = [
  { key: 'deadLetters', path: '/admin/dead-letters', icon: 'dead' },
  { key: 'breakers', path: '/admin/breakers', icon: 'plug' },
  { key: 'services', path: '/admin/services', icon: 'server' },
];

/** The frame of the back office: a side menu, on a small screen as a drawer. */
@Component({
  selector: 'app-admin-frame',
  imports: [RouterOutlet, RouterLink, RouterLinkActive, NgTemplateOutlet, Drawer, ModalDrawer, Icon],
  template: `@if (texts.isLoaded()) {
    <ng-template #entries>
      @for (entry of shop; track entry.path) {
        <a [routerLink]="entry.path" routerLinkActive="on" ariaCurrentWhenActive="page" [routerLinkActiveOptions]="{ exact: entry.path === '/admin' }"><app-icon [name]="entry.icon" [size]="20" />{{ a().nav[entry.key] }}</a>
      }
      <p class="group">{{ a().operations }}</p>
      @for (entry of operations; track entry.path) {
        <a [routerLink]="entry.path" routerLinkActive="on" ariaCurrentWhenActive="page"><app-icon [name]="entry.icon" [size]="20" />{{ a().nav[entry.key] }}
          @if (entry.key === 'deadLetters' && dead.count()) {
            <span class="count">{{ dead.count() }}</span>
          }
        </a>
      }
      <span class="space"></span>
      <a routerLink="/"><app-icon name="return" [size]="20" />{{ a().toShop }}</a>
    </ng-template>
    <div class="admin">
      <header class="admin-head">
        <button type="button" class="icon-btn" aria-haspopup="dialog" [attr.aria-label]="a().menu" (click)="menuOpen.set(true)"><app-icon name="menu" /></button>
        <span class="strong">{{ a().title }}</span>
      </header>
      <nav class="admin-menu" [attr.aria-label]="a().title">
        <p class="admin-logo">{{ store.name() }} <small>{{ a().title }}</small></p>
        <ng-container [ngTemplateOutlet]="entries" />
      </nav>
      <main id="main" class="admin-main" tabindex="-1"><router-outlet /></main>
    </div>
    @defer (when menuOpen()) {
      <p-drawer [visible]="menuOpen()" (visibleChange)="menuOpen.set($event)" position="left" [header]="a().title" [ariaCloseLabel]="t().common.close" styleClass="menu-drawer">
        <nav [attr.aria-label]="a().title"><ng-container [ngTemplateOutlet]="entries" /></nav>
      </p-drawer>
    }
  }`,
  styleUrl: './admin.css',
  encapsulation: ViewEncapsulation.None,
  changeDetection: ChangeDetectionStrategy.OnPush,
})
export class AdminFrame {
  protected readonly texts = inject(AdminTexts);
  protected readonly a = this.texts.a;
  protected readonly t = texts();
  protected readonly store = inject(ShopStore);
  protected readonly shop = SHOP;
  protected readonly operations = OPERATIONS;
  protected readonly menuOpen = signal(false);
  protected readonly dead = inject(DeadLetterCount);

  constructor() {
    usePrimeNG();
    void this.dead.read();
    inject(Router).events.subscribe((event) => {
      if (event instanceof NavigationEnd) this.menuOpen.set(false);
    });
  }
}
