import { HttpClient } from '@angular/common/http';
import { ChangeDetectionStrategy, Component, inject } from '@angular/core';
import { FormsModule } from '@angular/forms';
import { RouterLink } from '@angular/router';
import { ToggleSwitch } from 'primeng/toggleswitch';
import { firstValueFrom } from 'rxjs';
import type { Account } from '../../api/types';
import { adminTexts } from '../../i18n/admin-texts';
import { WhenPipe } from '../../i18n/format';
import { Session } from '../../session/session';
import { Empty } from '../../ui/empty';
import { Errors } from '../../ui/errors';
import { Failed } from '../../ui/failed';
import { Icon } from '../../ui/icon';
import { SkeletonLines } from '../../ui/lines';
import { Pages } from '../../ui/pages';
import { Toasts } from '../../ui/toasts';
import { pagedList } from '../paged-list';

type Role = 'customer' | 'admin';

@Component({
  selector: 'app-customers-page',
  imports: [FormsModule, RouterLink, ToggleSwitch, Empty, Failed, Icon, Pages, SkeletonLines, WhenPipe],
  template: `<div class="page-head"><h1>{{ a().customers.title }}</h1><p class="muted small num">{{ a().list.total(list.total(), list.isExact()) }}</p></div>
    <div class="filters">
      <div class="chips" role="group" [attr.aria-label]="a().customers.role">
        <button type="button" [attr.aria-pressed]="!list.param('role') && !list.param('locked')" (click)="list.filter({ role: null, locked: null })">{{ a().list.all }}</button>
        @for (role of roles; track role) {
          <button type="button" [attr.aria-pressed]="list.param('role') === role" (click)="list.filter({ role: list.param('role') === role ? null : role })">{{ a().customers.roles[role] }}</button>
        }
        <button type="button" [attr.aria-pressed]="list.param('locked') === 'true'" (click)="list.filter({ locked: list.param('locked') === 'true' ? null : true })">{{ a().customers.locked }}</button>
      </div>
      <form class="grow" role="search" (submit)="find($event, query.value)">
        <div class="field grow"><label for="customer-query">{{ a().customers.nameOrEmail }}</label><input #query id="customer-query" type="search" autocomplete="off" maxlength="200" [value]="list.param('q')" /></div>
        <button type="submit" class="btn quiet"><app-icon name="search" [size]="18" /><span class="vh">{{ a().list.find }}</span></button>
      </form>
      @if (list.isFiltered()) {
        <button type="button" class="link-btn" (click)="list.clear()">{{ a().list.clear }}</button>
      }
    </div>
    @if (list.items(); as users) {
      @if (users.length) {
        <div class="panel table cards" [class.stale]="list.isLoading()">
          <table>
            <thead><tr><th scope="col">{{ a().customers.email }}</th><th scope="col">{{ a().customers.name }}</th><th scope="col">{{ a().customers.since }}</th><th scope="col">{{ a().customers.role }}</th><th scope="col">{{ a().customers.locked }}</th><th scope="col"><span class="vh">{{ a().customers.orders }}</span></th></tr></thead>
            <tbody>
              @for (user of users; track user.userId) {
                <tr>
                  <td class="head">{{ user.email }}</td>
                  <td [attr.data-label]="a().customers.name">{{ user.username }}</td>
                  <td [attr.data-label]="a().customers.since" class="num">{{ user.createdAt | when: 'day' }}</td>
                  <td [attr.data-label]="a().customers.role">
                    <select #role class="input" [attr.aria-label]="a().customers.roleOf(user.email)" (change)="setRole(user, role)">
                      <option value="customer" [selected]="user.role === 'customer'">{{ a().customers.roles.customer }}</option>
                      <option value="admin" [selected]="user.role === 'admin'">{{ a().customers.roles.admin }}</option>
                    </select>
                  </td>
                  <td [attr.data-label]="a().customers.locked"><p-toggleswitch [ngModel]="user.locked" (ngModelChange)="setLocked(user, $event)" [ariaLabel]="a().customers.lockOf(user.email)" [disabled]="user.userId === self" /></td>
                  <td class="r"><a routerLink="/admin/orders" [queryParams]="{ userId: user.userId }">{{ a().customers.orders }}<span class="vh"> {{ user.email }}</span></a></td>
                </tr>
              }
            </tbody>
          </table>
        </div>
        <app-pages [page]="list.page()" [pages]="list.pages()" (turn)="list.turn($event)" />
      } @else {
        <app-empty icon="people" [heading]="a().list.empty" [text]="list.isFiltered() ? a().list.emptyFiltered : ''" />
      }
    } @else if (list.error()) {
      <app-failed [error]="list.error()" (retry)="list.reload()" />
    } @else {
      <app-skeleton-lines [count]="5" />
    }`,
  styles: '.input { min-height: 40px; padding: 4px 10px; width: auto; }',
  changeDetection: ChangeDetectionStrategy.OnPush,
})
export class CustomersPage {
  protected readonly a = adminTexts();
  protected readonly list = pagedList<Account>('/api/users', ['q', 'role', 'locked']);
  protected readonly roles: readonly Role[] = ['customer', 'admin'];
  protected readonly self = inject(Session).user()?.userId;
  private readonly http = inject(HttpClient);
  private readonly errors = inject(Errors);
  private readonly toasts = inject(Toasts);

  protected find(event: Event, query: string): void {
    event.preventDefault();
    this.list.filter({ q: query.trim() || null });
  }

  protected async setRole(user: Account, select: HTMLSelectElement): Promise<void> {
    const changed = await this.change(user, { role: select.value as Role });
    if (changed) this.toasts.success(this.a().customers.roleChanged(user.email));
    else select.value = user.role;
  }

  protected async setLocked(user: Account, locked: boolean): Promise<void> {
    if (await this.change(user, { locked })) {
      const { nowLocked, nowUnlocked } = this.a().customers;
      this.toasts.success((locked ? nowLocked : nowUnlocked)(user.email));
    } else {
      this.list.replace((other) => other.userId === user.userId, { ...user });
    }
  }

  private async change(user: Account, change: { role?: Role; locked?: boolean }): Promise<boolean> {
    try {
      const account = await firstValueFrom(this.http.patch<Account>(`/api/users/${user.userId}`, change));
      this.list.replace((other) => other.userId === user.userId, account);
      return true;
    } catch (error) {
      this.errors.toast(error);
      return false;
    }
  }
}
