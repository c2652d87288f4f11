import { ChangeDetectionStrategy, Component, inject } from '@angular/core';
import { RouterLink, RouterLinkActive } from '@angular/router';
import { texts } from '../i18n/i18n';
import { Session } from '../session/session';
import { CartStore } from '../stores/cart-store';
import { NoticeStore } from '../stores/notice-store';
import { ShopStore } from '../stores/shop-store';
import { FirstView } from '../ui/first-view';
import { Icon } from '../ui/icon';
import { SiteSearch } from './site-search';

@Component({
  selector: 'app-header',
  imports: [RouterLink, RouterLinkActive, Icon, SiteSearch],
  template: `<header class="site-header">
    <div class="wrap bar">
      <a class="logo" routerLink="/" [attr.aria-label]="t().header.home(shop.name())">{{ shop.name() }}</a>
      <app-site-search class="site-search" />
      <nav class="tools" [attr.aria-label]="t().header.account">
        @if (session.isCustomer()) {
          @if (session.isAdmin()) {
            <a class="tool" routerLink="/admin" [attr.aria-label]="t().header.backOffice"><app-icon name="chart" /></a>
          }
          <a class="tool" routerLink="/notices" [attr.aria-label]="notices.unread() ? t().header.noticesCount(notices.unread()) : t().header.notices">
            <app-icon name="bell" />
            @if (notices.unread()) {
              <span class="count" aria-hidden="true">{{ notices.unread() > 99 ? '99+' : notices.unread() }}</span>
            }
          </a>
          <a class="tool" routerLink="/wishlist" [attr.aria-label]="t().header.wishlist"><app-icon name="heart" /></a>
          <a class="tool" routerLink="/account" [attr.aria-label]="t().header.account"><app-icon name="user" /></a>
        } @else {
          <a class="tool" routerLink="/sign-in"><app-icon name="user" /><span class="label">{{ t().header.signIn }}</span></a>
        }
        <button type="button" class="tool with-label" aria-haspopup="dialog" [attr.aria-label]="t().header.cartCount(cart.count())" (click)="cart.open()">
          <app-icon name="cart" /><span class="label">{{ t().header.cart }}</span>
          @if (cart.count()) {
            <span class="count">{{ cart.count() > 99 ? '99+' : cart.count() }}</span>
          }
        </button>
      </nav>
    </div>
    <nav class="wrap" [attr.aria-label]="t().header.departments">
      <div class="departments">
        @if (step() > 0) {
          @for (department of shop.departments(); track department.categoryId) {
            <a [routerLink]="['/c', department.slug]" routerLinkActive="on" ariaCurrentWhenActive="page">{{ department.name }}</a>
          }
        }
      </div>
    </nav>
  </header>`,
  styles: ':host { display: contents; }',
  changeDetection: ChangeDetectionStrategy.OnPush,
})
export class Header {
  protected readonly t = texts();
  protected readonly step = inject(FirstView).steps(1);
  protected readonly session = inject(Session);
  protected readonly cart = inject(CartStore);
  protected readonly notices = inject(NoticeStore);
  protected readonly shop = inject(ShopStore);
}
