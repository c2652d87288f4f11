import { ChangeDetectionStrategy, Component, computed, inject } from '@angular/core';
import { RouterLink } from '@angular/router';
import { adminTexts } from '../../i18n/admin-texts';
import { Format, MoneyPipe } from '../../i18n/format';
import { Failed } from '../../ui/failed';
import { SkeletonLines } from '../../ui/lines';
import { BarChart } from './bar-chart';
import { DashboardStore, LOW_STOCK } from './dashboard-store';

@Component({
  selector: 'app-dashboard',
  imports: [RouterLink, BarChart, Failed, MoneyPipe, SkeletonLines],
  providers: [DashboardStore],
  templateUrl: './dashboard.html',
  styleUrl: './dashboard.css',
  changeDetection: ChangeDetectionStrategy.OnPush,
})
export class Dashboard {
  protected readonly a = adminTexts();
  protected readonly store = inject(DashboardStore);
  protected readonly lowStock = LOW_STOCK;
  private readonly format = inject(Format);

  protected readonly days = computed(() => (this.store.orders()?.days ?? []).map((day) => ({ ...day, label: this.format.date(`${day.date}T12:00:00`, 'day') })));
  protected readonly labels = computed(() => this.days().map((day) => day.label));
  protected readonly placed = computed(() => this.days().map((day) => day.created));
  protected readonly revenues = computed(() => this.days().map((day) => day.revenue.amount));
  protected readonly showMoney = computed(() => {
    const currency = this.store.orders()?.total.revenue.currency ?? 'EUR';
    return (amount: number) => this.format.money({ amount, currency });
  });
  protected readonly steps = computed(() => {
    const steps = this.store.funnel()?.steps ?? [];
    const visits = steps.find(({ step }) => step === 'visit')?.count ?? 0;
    return steps.map(({ step, count }) => ({ step, count, share: visits > 0 ? Math.round((100 * count) / visits) : 0 }));
  });
  protected readonly hasVisits = computed(() => this.steps().some(({ count }) => count > 0));
  protected readonly sources = computed(() => {
    const names = this.a().dashboard.sourceNames as Record<string, string>;
    return Object.entries(this.store.funnel()?.sources ?? {})
      .map(([source, count]) => ({ name: names[source] ?? source, count }))
      .sort((a, b) => b.count - a.count);
  });
}
