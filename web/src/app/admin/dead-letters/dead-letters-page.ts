import { JsonPipe } from '@angular/common';
import { ChangeDetectionStrategy, Component, inject, signal } from '@angular/core';
import { Dialog } from 'primeng/dialog';
import { Drawer } from 'primeng/drawer';
import type { Failure } from '../../api/problem';
import { failureOf } from '../../api/problem';
import { adminTexts } from '../../i18n/admin-texts';
import { WhenPipe } from '../../i18n/format';
import { texts } from '../../i18n/i18n';
import { Empty } from '../../ui/empty';
import { Errors } from '../../ui/errors';
import { Failed } from '../../ui/failed';
import { Icon } from '../../ui/icon';
import { SkeletonLines } from '../../ui/lines';
import { Toasts } from '../../ui/toasts';
import { everyWhileVisible } from '../../ui/when-visible';
import type { ServiceLetter } from './dead-letter-client';
import { DeadLetterClient } from './dead-letter-client';
import { DeadLetterCount } from './dead-letter-count';

@Component({
  selector: 'app-dead-letters-page',
  imports: [Dialog, Drawer, Empty, Failed, Icon, JsonPipe, SkeletonLines, WhenPipe],
  template: `<div class="page-head"><div><h1>{{ a().deadLetters.title }}</h1><p class="muted small">{{ a().deadLetters.text }}</p></div><p class="muted small">{{ a().list.updated }}</p></div>
    @if (missing().length) {
      <div class="note warn"><app-icon name="warn" /><p>{{ a().deadLetters.unavailable(missing().join(', ')) }}</p></div>
    }
    @if (letters(); as list) {
      @if (list.length) {
        <div class="panel table cards">
          <table>
            <thead><tr><th scope="col">{{ a().deadLetters.event }}</th><th scope="col">{{ a().deadLetters.queue }}</th><th scope="col">{{ a().deadLetters.error }}</th><th scope="col">{{ a().deadLetters.died }}</th><th scope="col" class="r">{{ a().deadLetters.attempts }}</th><th scope="col"><span class="vh">{{ a().list.actions }}</span></th></tr></thead>
            <tbody>
              @for (letter of list; track letter.service + letter.deadLetterId) {
                <tr>
                  <td class="head mono">{{ letter.envelope?.type ?? letter.raw }}</td>
                  <td [attr.data-label]="a().deadLetters.queue" class="mono">{{ letter.queue }}</td>
                  <td [attr.data-label]="a().deadLetters.error">{{ letter.error }}</td>
                  <td [attr.data-label]="a().deadLetters.died" class="num">{{ letter.diedAt | when }}</td>
                  <td [attr.data-label]="a().deadLetters.attempts" class="r num">{{ letter.attempts }}</td>
                  <td class="r">
                    <button type="button" class="link-btn" (click)="shown.set(letter)">{{ a().deadLetters.show }}</button>
                    <button type="button" class="link-btn" (click)="replay(letter)">{{ a().deadLetters.replay }}</button>
                    <button type="button" class="link-btn" (click)="leaving.set(letter)">{{ a().deadLetters.discard }}</button>
                  </td>
                </tr>
              }
            </tbody>
          </table>
        </div>
      } @else {
        <app-empty icon="check" [heading]="a().deadLetters.empty" [text]="a().deadLetters.emptyText" />
      }
    } @else if (failure()) {
      <app-failed [error]="failure()" (retry)="read()" />
    } @else {
      <app-skeleton-lines />
    }
    @defer (when shown()) {
      <p-drawer [visible]="!!shown()" (visibleChange)="$event || shown.set(null)" position="right" [header]="shown()?.envelope?.type ?? a().deadLetters.title" [ariaCloseLabel]="t().common.close">
        <pre class="mono">{{ (shown()?.envelope ?? shown()?.raw) | json }}</pre>
      </p-drawer>
    }
    @defer (when leaving()) {
      <p-dialog [visible]="!!leaving()" (visibleChange)="$event || leaving.set(null)" [header]="a().deadLetters.discardQuestion" [modal]="true" [draggable]="false" [closeAriaLabel]="t().common.close">
        <p>{{ a().deadLetters.discardText }}</p>
        <ng-template #footer><button type="button" class="btn quiet" (click)="leaving.set(null)">{{ t().common.cancel }}</button><button type="button" class="btn bad" (click)="discard()">{{ a().deadLetters.discard }}</button></ng-template>
      </p-dialog>
    }`,
  styles: 'pre { white-space: pre-wrap; overflow-wrap: anywhere; margin: 16px 0; } .note { margin-bottom: 16px; }',
  changeDetection: ChangeDetectionStrategy.OnPush,
})
export class DeadLettersPage {
  protected readonly a = adminTexts();
  protected readonly t = texts();
  protected readonly letters = signal<ServiceLetter[] | null>(null);
  protected readonly missing = signal<string[]>([]);
  protected readonly failure = signal<Failure | null>(null);
  protected readonly shown = signal<ServiceLetter | null>(null);
  protected readonly leaving = signal<ServiceLetter | null>(null);
  private readonly client = inject(DeadLetterClient);
  private readonly count = inject(DeadLetterCount);
  private readonly errors = inject(Errors);
  private readonly toasts = inject(Toasts);

  constructor() {
    void this.read();
    everyWhileVisible(5, () => void this.read());
  }

  protected async read(): Promise<void> {
    try {
      const { letters, missing } = await this.client.list();
      this.letters.set(letters);
      this.missing.set(missing);
      this.count.set(letters.length);
      this.failure.set(null);
    } catch (error) {
      this.failure.set(failureOf(error));
    }
  }

  protected replay(letter: ServiceLetter): Promise<void> {
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
    await this.read();
  }
}
