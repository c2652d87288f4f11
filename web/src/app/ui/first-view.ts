import { DOCUMENT, Injectable, Injector, PendingTasks, type Signal, afterNextRender, inject, signal } from '@angular/core';
import { NavigationEnd, Router } from '@angular/router';
import { filter, firstValueFrom } from 'rxjs';

/** Time after which the page is shown although it still loads: it then says so itself. */
const PATIENCE_MS = 3000;

/**
 * The view of a page that the gateway sends with it. It stays until the application has drawn its first page, which it
 * does out of sight and in steps: while a browser draws, it answers no key and no tap, so each step has to be short.
 */
@Injectable({ providedIn: 'root' })
export class FirstView {
  private readonly document = inject(DOCUMENT);
  private readonly injector = inject(Injector);
  private readonly pending = inject(PendingTasks);
  private readonly router = inject(Router);
  /** `null` where the gateway has sent nothing to look at meanwhile. */
  private readonly view = this.document.querySelector('#first-view:not(:empty)');
  /** Number of parts that have steps before them. */
  private drawing = 0;

  /**
   * Counts from 0 to `last` as what was added with the step before is drawn. `last` at once where nothing stands in for
   * the page meanwhile.
   */
  steps(last: number): Signal<number> {
    const step = signal(this.view?.isConnected ? 0 : last);
    if (step() < last) {
      this.drawing += 1;
      this.pending.run(async () => {
        while (step() < last) {
          await this.drawn();
          step.update((before) => before + 1);
        }
        this.drawing -= 1;
      });
    }
    return step.asReadonly();
  }

  /** Shows the application in place of the view, once its first page is drawn. */
  async replace(): Promise<void> {
    if (this.view) {
      const patience = new Promise((resolve) => setTimeout(resolve, PATIENCE_MS));
      await Promise.race([this.pageDrawn(), patience]);
    }
    this.document.getElementById('first-view')?.remove();
    this.document.querySelector('app-root')?.removeAttribute('hidden');
  }

  private async pageDrawn(): Promise<void> {
    if (!this.router.navigated) await firstValueFrom(this.router.events.pipe(filter((event) => event instanceof NavigationEnd)));
    while (this.drawing > 0) await this.drawn();
    // One task later, so that the last part is not laid out together with all that appears.
    await this.drawn();
  }

  /** Resolves in a task after the next that draws. */
  private drawn(): Promise<void> {
    return new Promise((resolve) => afterNextRender(() => setTimeout(resolve), { injector: this.injector }));
  }
}
