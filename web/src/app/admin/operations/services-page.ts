import { httpResource } from '@angular/common/http';
import { ChangeDetectionStrategy, Component, inject, linkedSignal } from '@angular/core';
import type { components } from '../../api/schema';
import { adminTexts } from '../../i18n/admin-texts';
import { WhenPipe } from '../../i18n/format';
import { ShopStore } from '../../stores/shop-store';
import { Empty } from '../../ui/empty';
import { Failed } from '../../ui/failed';
import { Icon } from '../../ui/icon';
import { SkeletonLines } from '../../ui/lines';
import { everyWhileVisible } from '../../ui/when-visible';
import { AuditPanel } from './audit-panel';

type ServiceList = components['schemas']['ServiceList'];
const TONES: Record<string, string> = { UP: 'ok', STARTING: 'info', DOWN: 'bad', OUT_OF_SERVICE: 'warn' };

@Component({
  selector: 'app-services-page',
  imports: [AuditPanel, Empty, Failed, Icon, SkeletonLines, WhenPipe],
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
    <app-audit-panel />
    @if (current()?.registry; as registry) {
      @if (registry !== 'UP') {
        <div class="note" [class.warn]="registry === 'DOWN'"><app-icon name="info" /><p>{{ registry === 'DOWN' ? a().services.registryDown : a().services.registryNone }}</p></div>
      }
    }
    @if (current()?.items; as list) {
      @if (list.length) {
        <div class="panel table cards">
          <table>
            <thead><tr><th scope="col">{{ a().services.name }}</th><th scope="col">{{ a().services.state }}</th><th scope="col">{{ a().services.instances }}</th><th scope="col">{{ a().services.error }}</th></tr></thead>
            <tbody>
              @for (service of list; track service.name) {
                <tr>
                  <td class="head">{{ service.name }}</td>
                  <td [attr.data-label]="a().services.state">
                    @if (service.status; as status) {
                      <span class="tag" [class.ok]="status === 'UP'" [class.bad]="status !== 'UP'">{{ status === 'UP' ? a().services.up : a().services.down }}</span>
                    } @else {
                      <span class="muted small">{{ a().services.notCalled }}</span>
                    }
                  </td>
                  <td [attr.data-label]="a().services.instances">
                    @for (instance of service.instances; track instance.instanceId) {
                      <p class="instance"><span [class]="'tag ' + (tones[instance.status] ?? '')">{{ a().services.instanceStates[instance.status] ?? instance.status }}</span> <span class="mono">{{ instance.url ?? instance.instanceId }}</span>
                        @if (instance.registeredAt; as since) {
                          <span class="muted small">{{ a().services.registeredSince(since | when) }}</span>
                        }
                      </p>
                    } @empty {
                      <span class="muted">{{ current()?.registry === 'UP' ? a().services.noInstances : '–' }}</span>
                    }
                  </td>
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
    .note { margin-bottom: 16px; }
    .instance { display: flex; flex-wrap: wrap; gap: 4px 8px; align-items: center; margin: 0; overflow-wrap: anywhere; }
    .instance + .instance { margin-top: 8px; }
  `,
  changeDetection: ChangeDetectionStrategy.OnPush,
})
export class ServicesPage {
  protected readonly a = adminTexts();
  protected readonly shop = inject(ShopStore);
  protected readonly tones = TONES;
  protected readonly found = httpResource<ServiceList>(() => '/api/admin/services');
  /** The last answer stays until the next one is there. */
  protected readonly current = linkedSignal<ServiceList | null, ServiceList | null>({
    source: () => (this.found.hasValue() ? this.found.value() : null),
    computation: (now, before) => now ?? before?.value ?? null,
  });

  constructor() {
    void this.shop.loadFacts();
    everyWhileVisible(5, () => void this.found.reload());
  }
}
