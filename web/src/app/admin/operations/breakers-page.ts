import { httpResource } from '@angular/common/http';
import { ChangeDetectionStrategy, Component, linkedSignal } from '@angular/core';
import type { components } from '../../api/schema';
import { adminTexts } from '../../i18n/admin-texts';
import { Empty } from '../../ui/empty';
import { Failed } from '../../ui/failed';
import { Icon } from '../../ui/icon';
import { SkeletonLines } from '../../ui/lines';
import { everyWhileVisible } from '../../ui/when-visible';

type BreakerList = components['schemas']['BreakerList'];
const TONES: Record<string, string> = { CLOSED: 'ok', HALF_OPEN: 'warn', OPEN: 'bad', FORCED_OPEN: 'bad' };

@Component({
  selector: 'app-breakers-page',
  imports: [Empty, Failed, Icon, SkeletonLines],
  template: `<div class="page-head"><div><h1>{{ a().breakers.title }}</h1><p class="muted small">{{ a().breakers.text }}</p></div><p class="muted small">{{ a().list.updated }}</p></div>
    @if (current()?.missing; as missing) {
      @if (missing.length) {
        <div class="note warn"><app-icon name="warn" /><p>{{ a().breakers.missing(missing.join(', ')) }}</p></div>
      }
    }
    @if (current()?.items; as list) {
      @if (list.length) {
        <div class="panel table cards">
          <table>
            <thead><tr><th scope="col">{{ a().breakers.target }}</th><th scope="col">{{ a().breakers.instance }}</th><th scope="col">{{ a().breakers.state }}</th><th scope="col" class="r">{{ a().breakers.failureRate }}</th><th scope="col" class="r">{{ a().breakers.slowRate }}</th><th scope="col" class="r">{{ a().breakers.calls }}</th><th scope="col" class="r">{{ a().breakers.refused }}</th></tr></thead>
            <tbody>
              @for (breaker of list; track breaker.service + breaker.instance + breaker.name) {
                <tr>
                  <td class="head">{{ breaker.service }} → {{ breaker.name }}</td>
                  <td [attr.data-label]="a().breakers.instance" class="mono small">{{ breaker.instance ?? '–' }}</td>
                  <td [attr.data-label]="a().breakers.state"><span [class]="'tag ' + (tones[breaker.state] ?? '')">{{ a().breakers.states[breaker.state] ?? breaker.state }}</span></td>
                  <td [attr.data-label]="a().breakers.failureRate" class="r num">{{ rate(breaker.failureRate) }}</td>
                  <td [attr.data-label]="a().breakers.slowRate" class="r num">{{ rate(breaker.slowCallRate) }}</td>
                  <td [attr.data-label]="a().breakers.calls" class="r num">{{ breaker.bufferedCalls }}</td>
                  <td [attr.data-label]="a().breakers.refused" class="r num">{{ breaker.notPermittedCalls }}</td>
                </tr>
              }
            </tbody>
          </table>
        </div>
      } @else {
        <app-empty icon="plug" [heading]="a().list.empty" />
      }
    } @else if (found.error()) {
      <app-failed [error]="found.error()" (retry)="found.reload()" />
    } @else {
      <app-skeleton-lines />
    }`,
  styles: '.note { margin-bottom: 16px; }',
  changeDetection: ChangeDetectionStrategy.OnPush,
})
export class BreakersPage {
  protected readonly a = adminTexts();
  protected readonly tones = TONES;
  protected readonly found = httpResource<BreakerList>(() => '/api/admin/breakers');
  /** The last answer stays until the next one is there. */
  protected readonly current = linkedSignal<BreakerList | null, BreakerList | null>({
    source: () => (this.found.hasValue() ? this.found.value() : null),
    computation: (now, before) => now ?? before?.value ?? null,
  });

  constructor() {
    everyWhileVisible(5, () => void this.found.reload());
  }

  /** -1 means that there were too few calls to say. */
  protected rate(rate: number): string {
    return rate < 0 ? this.a().breakers.few : `${Math.round(rate)} %`;
  }
}
