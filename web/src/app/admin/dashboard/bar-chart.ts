import { ChangeDetectionStrategy, Component, DestroyRef, ElementRef, afterRenderEffect, inject, input, viewChild } from '@angular/core';
import { BarController, BarElement, CategoryScale, Chart, LinearScale, Tooltip } from 'chart.js';

Chart.register(BarController, BarElement, CategoryScale, LinearScale, Tooltip);

/** Bars, one for each label. What they show is also in a table beside them; to screen readers this is one picture. */
@Component({
  selector: 'app-bar-chart',
  template: `<canvas #canvas role="img" [attr.aria-label]="label()"></canvas>`,
  styles: ':host { display: block; position: relative; height: 220px; }',
  changeDetection: ChangeDetectionStrategy.OnPush,
})
export class BarChart {
  readonly label = input.required<string>();
  readonly labels = input.required<string[]>();
  readonly values = input.required<number[]>();
  /** Writes a value for the axis and the tooltip. */
  readonly show = input<(value: number) => string>((value) => String(value));
  private readonly canvas = viewChild.required<ElementRef<HTMLCanvasElement>>('canvas');
  private chart: Chart | null = null;

  constructor() {
    afterRenderEffect(() => this.draw());
    // Colours are those of the theme, which the device may switch.
    const media = matchMedia('(prefers-color-scheme: dark)');
    const redraw = () => this.draw();
    media.addEventListener('change', redraw);
    inject(DestroyRef).onDestroy(() => {
      media.removeEventListener('change', redraw);
      this.chart?.destroy();
    });
  }

  private draw(): void {
    const canvas = this.canvas().nativeElement;
    const show = this.show();
    const [brand, ink, line] = ['--brand', '--ink-2', '--line'].map((name) => colourOf(canvas, name));
    const isStill = matchMedia('(prefers-reduced-motion: reduce)').matches;
    this.chart?.destroy();
    this.chart = new Chart(canvas, {
      type: 'bar',
      data: { labels: this.labels(), datasets: [{ data: this.values(), backgroundColor: brand, borderRadius: 4, maxBarThickness: 40 }] },
      options: {
        animation: isStill ? false : { duration: 300 },
        responsive: true,
        maintainAspectRatio: false,
        plugins: { tooltip: { displayColors: false, callbacks: { label: (item) => show(Number(item.raw)) } } },
        scales: {
          x: { grid: { display: false }, ticks: { color: ink }, border: { color: line } },
          y: { beginAtZero: true, grid: { color: line }, ticks: { color: ink, maxTicksLimit: 5, precision: 0, callback: (value) => show(Number(value)) }, border: { display: false } },
        },
      },
    });
  }
}

/** A token's colour as the browser computes it; `light-dark()` means nothing to a canvas. */
function colourOf(near: HTMLElement, token: string): string {
  const probe = document.createElement('span');
  probe.style.color = `var(${token})`;
  near.parentElement?.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}
