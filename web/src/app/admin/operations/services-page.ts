import { httpResource } from '@angular/common/http';
import { ChangeDetectionStrategy, Component, inject, linkedSignal } from '@angular/core';
import type { components } from '../../api/schema';
import { adminTexts } from '../../i18n/admin-texts';
import { ShopStore } from '../../stores/shop-store';
import { Empty } from '../../ui/empty';
import { Failed } from '../../ui/failed';
import { SkeletonLines } from '../../ui/lines';
import { everyWhileVisible } from '../../ui/when-visible';

type Service = components['schemas']['ServiceHealth'];

@Component({
  selector: 'app-services-page',
  imports: [Empty, Failed, SkeletonLines],
  template: `<div class="page-head"><h1>{{ a().services.title }}</h1><p class="muted small">{{ a().list.updated }}</p></div>
    @if (shop.facts(); as facts) {
      <section class="panel facts" aria-labelledby="shop-facts">
        <h2 id="shop-facts">{{ a().services.shop }}</h2>
        <dl class="rows">
          <div><dt>{{ a().services.shopName }}</dt><dd>{{ facts.name }}</dd></div>
          <div><dt>{{ a().services.currency }}</dt><dd>{{ facts.currency }}</dd></div>
          <div><dt>{{ a().services.timeZone }}</dt><dd>{{ facts.timeZone }}</dd></div>
          <div><dt>{{ a().services.payment }}</dt><dd>{{ facts.paymentProvider ?? a().services.unknown }}
            @if (facts.paymentProvider === 'sandbox') {
              <span class="tag warn">{{ a().services.noMoney }}</span>
            }
          </dd></div>
          <div><dt>{{ a().services.mails }}</dt><dd>{{ facts.sendsMail === true ? a().services.mailsSent : facts.sendsMail === false ? a().services.mailsKept : a().services.unknown }}</dd></div>
          <div><dt>{{ a().services.clock }}</dt><dd>
            @if (facts.testClock) {
              <span class="tag warn">{{ a().services.clockMoves }}</span>
            } @else {
              {{ a().services.clockReal }}
            }
          </dd></div>
        </dl>
      </section>
    }
    @if (services(); as list) {
      @if (list.length) {
        <div class="panel table cards">
          <table>
            <thead><tr><th scope="col">{{ a().services.name }}</th><th scope="col">{{ a().services.state }}</th><th scope="col">{{ a().services.error }}</th></tr></thead>
            <tbody>
              @for (service of list; track service.name) {
                <tr>
                  <td class="head">{{ service.name }}</td>
                  <td [attr.data-label]="a().services.state"><span class="tag" [class.ok]="service.status === 'UP'" [class.bad]="service.status !== 'UP'">{{ service.status === 'UP' ? a().services.up : a().services.down }}</span></td>
                  <td [attr.data-label]="a().services.error">{{ service.error ?? '–' }}</td>
                </tr>
              }
            </tbody>
          </table>
        </div>
      } @else {
        <app-empty icon="server" [heading]="a().list.empty" />
      }
    } @else if (found.error()) {
      <app-failed [error]="found.error()" (retry)="found.reload()" />
    } @else {
      <app-skeleton-lines />
    }`,
  styles: `
    .facts { margin-bottom: 16px; max-width: 640px; }
    .facts dt { color: var(--ink-2); }
    .facts dd { text-align: end; overflow-wrap: anywhere; }
  `,
  changeDetection: ChangeDetectionStrategy.OnPush,
})
export class ServicesPage {
  protected readonly a = adminTexts();
  protected readonly shop = inject(ShopStore);
  protected readonly found = httpResource<{ items: Service[] }>(() => '/api/admin/services');
  protected readonly services = linkedSignal<Service[] | null, Service[] | null>({
    source: () => (this.found.hasValue() ? this.found.value().items : null),
    computation: (now, before) => now ?? before?.value ?? null,
  });

  constructor() {
    void this.shop.loadFacts();
    everyWhileVisible(5, () => void this.found.reload());
  }
}
