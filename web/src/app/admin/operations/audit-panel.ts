import { httpResource } from '@angular/common/http';
import { ChangeDetectionStrategy, Component, computed, linkedSignal } from '@angular/core';
import type { components } from '../../api/schema';
import { adminTexts } from '../../i18n/admin-texts';
import { WhenPipe } from '../../i18n/format';
import { everyWhileVisible } from '../../ui/when-visible';

type AuditResult = components['schemas']['AuditResult'];

/** The latest result of the audit: whether the shop's invariants hold, and what violates them. */
@Component({
  selector: 'app-audit-panel',
  imports: [WhenPipe],
  template: `<section class="panel" aria-labelledby="last-audit">
    <h2 id="last-audit">{{ a().services.audit }}</h2>
    @if (latest(); as round) {
      <p class="state">
        @if (violated().length) {
          <span class="tag bad">{{ a().services.auditViolations(count()) }}</span>
        } @else {
          <span class="tag ok">{{ a().services.auditClean(round.invariants.length) }}</span>
        }
        <span class="muted small num">{{ round.readAt | when }}</span>
      </p>
      @for (one of violated(); track one.invariant) {
        <p class="strong" lang="en">{{ one.invariant }}. {{ one.statement }} ({{ one.violations }})</p>
        <ul>
          @for (violation of one.found; track violation.subject + violation.detail) {
            <li class="small" lang="en">{{ violation.subject }}: {{ violation.detail }}</li>
          }
        </ul>
      }
    } @else if (found.error()) {
      <p class="muted">{{ a().services.auditAway }}</p>
    } @else if (current()) {
      <p class="muted">{{ a().services.auditNone }}</p>
    }
  </section>`,
  styles: `
    .panel { margin-bottom: 16px; max-width: 640px; overflow-wrap: anywhere; }
    .state { display: flex; flex-wrap: wrap; gap: 4px 12px; align-items: center; min-height: 28px; }
    ul { margin: 4px 0 0; padding-inline-start: 20px; }
  `,
  changeDetection: ChangeDetectionStrategy.OnPush,
})
export class AuditPanel {
  protected readonly a = adminTexts();
  protected readonly found = httpResource<AuditResult>(() => '/api/orders/audit');
  /** The last answer stays until the next one is there. */
  protected readonly current = linkedSignal<AuditResult | null, AuditResult | null>({
    source: () => (this.found.hasValue() ? this.found.value() : null),
    computation: (now, before) => now ?? before?.value ?? null,
  });
  protected readonly latest = computed(() => this.current()?.latest ?? null);
  protected readonly violated = computed(() =>
    (this.latest()?.invariants ?? [])
      .filter(({ violations }) => violations > 0)
      .map((one) => ({ ...one, found: this.latest()?.violations.filter(({ invariant }) => invariant === one.invariant) ?? [] })),
  );
  protected readonly count = computed(() => this.violated().reduce((sum, { violations }) => sum + violations, 0));

  constructor() {
    everyWhileVisible(20, () => void this.found.reload());
  }
}
