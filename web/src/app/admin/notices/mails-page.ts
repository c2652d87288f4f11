import { HttpClient } from '@angular/common/http';
import { ChangeDetectionStrategy, Component, ElementRef, inject, signal, viewChild } from '@angular/core';
import { Drawer } from 'primeng/drawer';
import { firstValueFrom } from 'rxjs';
import type { components } from '../../api/schema';
import { failureOf } from '../../api/problem';
import { adminTexts } from '../../i18n/admin-texts';
import { WhenPipe } from '../../i18n/format';
import { texts } from '../../i18n/i18n';
import { ShopStore } from '../../stores/shop-store';
import { Empty } from '../../ui/empty';
import { Errors } from '../../ui/errors';
import { Failed } from '../../ui/failed';
import { SkeletonLines } from '../../ui/lines';
import { ModalDrawer } from '../../ui/modal-drawer';
import { Pages } from '../../ui/pages';
import { Toasts } from '../../ui/toasts';
import { pagedList } from '../paged-list';
import { applyStyles, withoutInlineStyles } from './mail-preview';

type Mail = components['schemas']['Mail'];
type MailboxMail = components['schemas']['MailboxMail'];
const STATUSES = ['waiting', 'queued', 'sent', 'failed'] as const;
const TONES = { waiting: 'info', queued: 'info', sent: 'ok', failed: 'bad' } as const;

/** Mails with their delivery state, and a preview in a frame without scripts. */
@Component({
  selector: 'app-mails-page',
  imports: [Drawer, ModalDrawer, Empty, Failed, Pages, SkeletonLines, WhenPipe],
  template: `<div class="page-head"><h1>{{ a().notices.title }}</h1><p class="muted small num">{{ a().list.total(list.total(), list.isExact()) }}</p></div>
    <div class="filters">
      <div class="chips" role="group" [attr.aria-label]="a().list.status">
        <button type="button" [attr.aria-pressed]="!list.param('status')" (click)="list.filter({ status: null })">{{ a().list.all }}</button>
        @for (status of statuses; track status) {
          <button type="button" [attr.aria-pressed]="list.param('status') === status" (click)="list.filter({ status })">{{ a().notices.statuses[status] }}</button>
        }
      </div>
    </div>
    @if (list.items(); as mails) {
      @if (mails.length) {
        <div class="panel table cards" [class.stale]="list.isLoading()">
          <table>
            <thead><tr><th scope="col">{{ a().notices.subject }}</th><th scope="col">{{ a().notices.to }}</th><th scope="col">{{ a().list.status }}</th><th scope="col">{{ a().notices.created }}</th><th scope="col"><span class="vh">{{ a().notices.preview }}</span></th></tr></thead>
            <tbody>
              @for (mail of mails; track mail.mailId) {
                <tr>
                  <td class="head">{{ mail.subject }}
                    @if (mail.error) {
                      <br /><span class="muted small">{{ mail.error }}</span>
                    }
                  </td>
                  <td [attr.data-label]="a().notices.to">{{ mail.to }}</td>
                  <td [attr.data-label]="a().list.status"><span [class]="'tag ' + tones[mail.status]">{{ a().notices.statuses[mail.status] }}</span></td>
                  <td [attr.data-label]="a().notices.created" class="num">{{ mail.createdAt | when }}</td>
                  <td class="r">
                    @if (mail.status === 'sent' && shop.facts()?.sendsMail !== true) {
                      <button type="button" class="link-btn" (click)="open(mail)">{{ a().notices.preview }}<span class="vh">: {{ mail.subject }}</span></button>
                    }
                  </td>
                </tr>
              }
            </tbody>
          </table>
        </div>
        <app-pages [page]="list.page()" [pages]="list.pages()" (turn)="list.turn($event)" />
      } @else {
        <app-empty icon="mail" [heading]="a().list.empty" />
      }
    } @else if (list.error()) {
      <app-failed [error]="list.error()" (retry)="list.reload()" />
    } @else {
      <app-skeleton-lines [count]="5" />
    }
    @defer (when shown()) {
      <p-drawer [visible]="!!shown()" (visibleChange)="$event || shown.set(null)" (onShow)="fill()" position="right" [header]="shown()?.subject ?? ''" [ariaCloseLabel]="t().common.close" styleClass="mail-drawer">
        <p class="muted small">{{ a().notices.from }}: {{ shown()?.from }}<br />{{ a().notices.to }}: {{ shown()?.to }}</p>
        <iframe #frame sandbox="allow-same-origin allow-popups" [title]="a().notices.previewOf(shown()?.subject ?? '')"></iframe>
      </p-drawer>
    }`,
  styles: `iframe { width: 100%; height: calc(100vh - 180px); border: 1px solid var(--line); border-radius: var(--r-control); margin-top: 12px; background: #ffffff; }`,
  changeDetection: ChangeDetectionStrategy.OnPush,
})
export class MailsPage {
  protected readonly a = adminTexts();
  protected readonly t = texts();
  protected readonly list = pagedList<Mail>('/api/notifications/sent', ['status']);
  protected readonly statuses = STATUSES;
  protected readonly tones = TONES;
  protected readonly shown = signal<MailboxMail | null>(null);
  private readonly frame = viewChild<ElementRef<HTMLIFrameElement>>('frame');
  /** Mails that are sent leave nothing to preview. */
  protected readonly shop = inject(ShopStore);
  private readonly http = inject(HttpClient);
  private readonly errors = inject(Errors);
  private readonly toasts = inject(Toasts);

  protected async open(mail: Mail): Promise<void> {
    try {
      this.shown.set(await firstValueFrom(this.http.get<MailboxMail>(`/api/notifications/mailbox/${mail.mailId}`)));
    } catch (error) {
      if (failureOf(error).status === 404) this.toasts.show({ severity: 'info', summary: this.a().notices.noPreview });
      else this.errors.toast(error);
    }
  }

  protected fill(): void {
    const document = this.frame()?.nativeElement.contentDocument;
    const mail = this.shown();
    if (!document || !mail) return;
    // The frame has no scripts (sandbox), so what the mail contains can only be looked at.
    const parsed = new DOMParser().parseFromString(withoutInlineStyles(mail.html), 'text/html');
    document.body.replaceChildren(...Array.from(parsed.body.childNodes, (node) => document.importNode(node, true)));
    document.body.dataset['style'] = parsed.body.dataset['style'] ?? '';
    applyStyles(document);
  }
}
