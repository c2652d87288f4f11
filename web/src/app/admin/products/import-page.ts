import { HttpClient } from '@angular/common/http';
import { ChangeDetectionStrategy, Component, inject, signal } from '@angular/core';
import { RouterLink } from '@angular/router';
import { firstValueFrom } from 'rxjs';
import type { components } from '../../api/schema';
import { adminTexts } from '../../i18n/admin-texts';
import { ShopStore } from '../../stores/shop-store';
import { Errors } from '../../ui/errors';
import { Icon } from '../../ui/icon';
import { Toasts } from '../../ui/toasts';
import { cutCsv } from './csv-parts';

type Report = components['schemas']['ImportReport'];

/** Imports a CSV file in parts, so that the progress is true and a fault in one part does not lose the others. */
@Component({
  selector: 'app-import-page',
  imports: [RouterLink, Icon],
  template: `<div class="page-head"><div class="stack-s"><a routerLink="/admin/products" class="small muted">{{ a().products.title }}</a><h1>{{ a().import.title }}</h1></div></div>
    <section class="panel stack">
      <p class="muted">{{ a().import.text }}</p>
      <div class="field">
        <label for="csv">{{ a().import.choose }}</label>
        <input #file id="csv" type="file" accept=".csv,text/csv" (change)="choose(file.files)" />
      </div>
      @if (progress(); as it) {
        <div class="stack-s">
          <label for="import-progress" class="num">{{ a().import.running(it.done, it.of) }}</label>
          <progress id="import-progress" [max]="it.of" [value]="it.done"></progress>
        </div>
      }
      <div class="row">
        @if (isRunning()) {
          <button type="button" class="btn quiet" (click)="stopWanted.set(true)">{{ a().import.stop }}</button>
        } @else {
          <button type="button" class="btn" (click)="start()"><app-icon name="upload" [size]="18" />{{ a().import.start }}</button>
        }
      </div>
      @if (report(); as result) {
        <div role="status" class="stack">
          @if (stopWanted()) {
            <p class="note warn"><app-icon name="info" />{{ a().import.stopped }}</p>
          }
          <dl class="numbers">
            <div><dt>{{ a().import.created }}</dt><dd class="num">{{ result.created }}</dd></div>
            <div><dt>{{ a().import.updated }}</dt><dd class="num">{{ result.updated }}</dd></div>
            <div><dt>{{ a().import.unchanged }}</dt><dd class="num">{{ result.unchanged }}</dd></div>
            <div><dt>{{ a().import.rejected }}</dt><dd class="num">{{ result.rejected.length }}</dd></div>
          </dl>
          @if (result.rejected.length) {
            <table>
              <thead><tr><th scope="col">{{ a().import.line }}</th><th scope="col">{{ a().import.reason }}</th></tr></thead>
              <tbody>
                @for (row of result.rejected; track $index) {
                  <tr><td class="num">{{ row.line }}</td><td>{{ row.reason }}</td></tr>
                }
              </tbody>
            </table>
          } @else {
            <p class="muted">{{ a().import.noRejected }}</p>
          }
          @if (result.ignoredColumns.length) {
            <p class="muted">{{ a().import.ignored(result.ignoredColumns.join(', ')) }}</p>
          }
        </div>
      }
    </section>`,
  styles: `
    progress { width: 100%; height: 10px; accent-color: var(--brand); }
    .numbers { display: grid; grid-template-columns: repeat(auto-fit, minmax(110px, 1fr)); gap: 12px; }
    .numbers dt { color: var(--ink-2); font-size: 0.875rem; }
    .numbers dd { font-size: 1.5rem; font-weight: 600; }
  `,
  changeDetection: ChangeDetectionStrategy.OnPush,
})
export class ImportPage {
  protected readonly a = adminTexts();
  protected readonly progress = signal<{ done: number; of: number } | null>(null);
  protected readonly report = signal<Report | null>(null);
  protected readonly isRunning = signal(false);
  protected readonly stopWanted = signal(false);
  private file: File | null = null;
  private readonly http = inject(HttpClient);
  private readonly shop = inject(ShopStore);
  private readonly errors = inject(Errors);
  private readonly toasts = inject(Toasts);

  protected choose(files: FileList | null): void {
    this.file = files?.[0] ?? null;
    this.report.set(null);
    this.progress.set(null);
  }

  protected async start(): Promise<void> {
    if (!this.file) {
      document.getElementById('csv')?.focus();
      return;
    }
    const parts = cutCsv(await textOf(this.file));
    if (parts.length === 0) {
      this.toasts.show({ severity: 'error', summary: this.a().import.notRead });
      return;
    }
    const of = parts.reduce((sum, part) => sum + part.rows, 0);
    const report: Report = { created: 0, updated: 0, unchanged: 0, rejected: [], ignoredColumns: [] };
    this.isRunning.set(true);
    this.stopWanted.set(false);
    this.progress.set({ done: 0, of });
    try {
      for (const part of parts) {
        if (this.stopWanted()) break;
        const result = await firstValueFrom(this.http.post<Report>('/api/products/import', part.text, { headers: { 'Content-Type': 'text/csv' } }));
        report.created += result.created;
        report.updated += result.updated;
        report.unchanged += result.unchanged;
        report.ignoredColumns = result.ignoredColumns;
        // The server counts the lines of the part: the header is line 1, the first row line 2.
        report.rejected.push(...result.rejected.map(({ line, reason }) => ({ line: line - 2 + part.firstLine, reason })));
        this.progress.update((now) => (now ? { ...now, done: now.done + part.rows } : now));
      }
    } catch (error) {
      this.errors.toast(error);
    } finally {
      this.isRunning.set(false);
      this.report.set(report);
      void this.shop.reloadCategories();
    }
  }
}

/** Reads UTF-8, UTF-16 with a byte order mark, else Windows-1252. */
async function textOf(file: File): Promise<string> {
  const bytes = new Uint8Array(await file.arrayBuffer());
  const mark = `${bytes[0]} ${bytes[1]}`;
  if (mark === '255 254') return new TextDecoder('utf-16le').decode(bytes);
  if (mark === '254 255') return new TextDecoder('utf-16be').decode(bytes);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return new TextDecoder('windows-1252').decode(bytes);
  }
}
