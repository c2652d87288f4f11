import { JsonPipe } from '@angular/common';
import { ChangeDetectionStrategy, Component, effect, inject, signal } from '@angular/core';
import { Dialog } from 'primeng/dialog';
import { Drawer } from 'primeng/drawer';
import { adminTexts } from '../../i18n/admin-texts';
import { WhenPipe } from '../../i18n/format';
import { texts } from '../../i18n/i18n';
import { Empty } from '../../ui/empty';
import { Errors } from '../../ui/errors';
import { Failed } from '../../ui/failed';
import { SkeletonLines } from '../../ui/lines';
import { ModalDrawer } from '../../ui/modal-drawer';
import { Pages } from '../../ui/pages';
import { Toasts } from '../../ui/toasts';
import { everyWhileVisible } from '../../ui/when-visible';
import { pagedList } from '../paged-list';
import type { DeadLetter } from './dead-letter-client';
import { DEAD_LETTERS, DeadLetterClient } from './dead-letter-client';
import { DeadLetterCount } from './dead-letter-count';

@Component({
  selector: 'app-dead-letters-page',
  imports: [Dialog, Drawer, ModalDrawer, Empty, Failed, JsonPipe, Pages, SkeletonLines, WhenPipe],
  template: `<div class="page-head"><div><h1>{{ a().deadLetters.title }}</h1><p class="muted small">{{ a().deadLetters.text }}</p></div><p class="muted small num">{{ a().list.total(list.total(), list.isExact()) }}<br />{{ a().list.updated }}</p></div>
    @if (list.items(); as letters) {
      @if (letters.length) {
        <div class="panel table cards">
          <table>
            <thead><tr><th scope="col">{{ a().deadLetters.event }}</th><th scope="col">{{ a().deadLetters.service }}</th><th scope="col">{{ a().deadLetters.queue }}</th><th scope="col">{{ a().deadLetters.error }}</th><th scope="col">{{ a().deadLetters.died }}</th><th scope="col" class="r">{{ a().deadLetters.attempts }}</th><th scope="col"><span class="vh">{{ a().list.actions }}</span></th></tr></thead>
            <tbody>
              @for (letter of letters; track letter.deadLetterId) {
                <tr>
                  <td class="head mono">{{ letter.event ?? a().deadLetters.noEvent }}
                    @if (letter.subject) {
                      <br /><span class="muted small">{{ letter.subject }}</span>
                    }
                  </td>
                  <td [attr.data-label]="a().deadLetters.service">{{ letter.service }}</td>
                  <td [attr.data-label]="a().deadLetters.queue" class="mono">{{ letter.queue }}</td>
                  <td [attr.data-label]="a().deadLetters.error" class="error">{{ letter.error }}</td>
                  <td [attr.data-label]="a().deadLetters.died" class="num">{{ letter.diedAt | when }}</td>
                  <td [attr.data-label]="a().deadLetters.attempts" class="r num">{{ letter.attempts }}</td>
                  <td class="r">
                    <button type="button" class="link-btn" (click)="show(letter)">{{ a().deadLetters.show }}<span class="vh"> {{ name(letter) }}</span></button>
                    <button type="button" class="link-btn" (click)="replay(letter)">{{ a().deadLetters.replay }}<span class="vh"> {{ name(letter) }}</span></button>
                    <button type="button" class="link-btn" (click)="leaving.set(letter)">{{ a().deadLetters.discard }}<span class="vh"> {{ name(letter) }}</span></button>
                  </td>
                </tr>
              }
            </tbody>
          </table>
        </div>
        <app-pages [page]="list.page()" [pages]="list.pages()" (turn)="list.turn($event)" />
      } @else {
        <app-empty icon="check" [heading]="a().deadLetters.empty" [text]="a().deadLetters.emptyText" />
      }
    } @else if (list.error()) {
      <app-failed [error]="list.error()" (retry)="list.reload()" />
    } @else {
      <app-skeleton-lines />
    }
    @defer (when shown()) {
      <p-drawer [visible]="!!shown()" (visibleChange)="$event || shown.set(null)" position="right" [header]="shown()?.event ?? a().deadLetters.title" [ariaCloseLabel]="t().common.close">
        @if (shown(); as letter) {
          <p class="muted small">{{ letter.error }}</p>
          @if (letter.envelope; as envelope) {
            <pre class="mono" tabindex="0">{{ envelope | json }}</pre>
          } @else {
            <pre class="mono" tabindex="0">{{ letter.raw }}</pre>
          }
        }
      </p-drawer>
    }
    @defer (when leaving()) {
      <p-dialog [visible]="!!leaving()" (visibleChange)="$event || leaving.set(null)" [header]="a().deadLetters.discardQuestion" [modal]="true" [draggable]="false" [closeAriaLabel]="t().common.close">
        <p>{{ a().deadLetters.discardText }}</p>
        <ng-template #footer><button type="button" class="btn quiet" (click)="leaving.set(null)">{{ t().common.cancel }}</button><button type="button" class="btn bad" (click)="discard()">{{ a().deadLetters.discard }}</button></ng-template>
      </p-dialog>
    }`,
  styles: 'pre { white-space: pre-wrap; overflow-wrap: anywhere; margin: 16px 0; } .error { overflow-wrap: anywhere; }',
  changeDetection: ChangeDetectionStrategy.OnPush,
})
export class DeadLettersPage {
  protected readonly a = adminTexts();
  protected readonly t = texts();
  protected readonly list = pagedList<DeadLetter>(DEAD_LETTERS, []);
  /** The letter in the drawer, with its payload. */
  protected readonly shown = signal<DeadLetter | null>(null);
  protected readonly leaving = signal<DeadLetter | null>(null);
  private readonly client = inject(DeadLetterClient);
  private readonly count = inject(DeadLetterCount);
  private readonly errors = inject(Errors);
  private readonly toasts = inject(Toasts);

  constructor() {
    effect(() => {
      const letters = this.list.items();
      if (!letters) return;
      this.count.set(this.list.total());
      // The last letter of the last page is gone.
      if (!letters.length && this.list.page() > 0) this.list.turn(0);
    });
    everyWhileVisible(5, () => this.list.reload());
  }

  protected name(letter: DeadLetter): string {
    return [letter.event, letter.subject].filter(Boolean).join(' ') || letter.queue;
  }

  protected async show(letter: DeadLetter): Promise<void> {
    try {
      this.shown.set(await this.client.show(letter));
    } catch (error) {
      this.errors.toast(error);
      this.list.reload();
    }
  }

  protected replay(letter: DeadLetter): Promise<void> {
    return this.act(() => this.client.replay(letter), this.a().deadLetters.replayed);
  }

  protected async discard(): Promise<void> {
    const letter = this.leaving();
    this.leaving.set(null);
    if (letter) await this.act(() => this.client.discard(letter), this.a().deadLetters.discarded);
  }

  private async act(send: () => Promise<unknown>, done: string): Promise<void> {
    try {
      await send();
      this.toasts.success(done);
    } catch (error) {
      this.errors.toast(error);
    }
    this.list.reload();
  }
}
