import { ViewportScroller } from '@angular/common';
import { Injectable, inject } from '@angular/core';
import { Router, Scroll } from '@angular/router';
import { filter } from 'rxjs';

const PATIENCE_MS = 2000;

/** Moves the focus to the heading of a new page, and restores the scroll position of one that is returned to. */
@Injectable({ providedIn: 'root' })
export class PageFocus {
  private readonly scroller = inject(ViewportScroller);
  private path: string | null = null;

  constructor() {
    const router = inject(Router);
    router.events.pipe(filter((event) => event instanceof Scroll)).subscribe((event) => {
      if (event.position) this.restore(event.position);
      else if (event.anchor) this.scroller.scrollToAnchor(event.anchor);
      else if (!isSamePage(router)) this.scroller.scrollToPosition([0, 0]);
    });
  }

  afterNavigation(url: string): void {
    const path = url.split(/[?#]/)[0] ?? '/';
    const isFirst = this.path === null;
    const isSame = this.path === path;
    this.path = path;
    // A browser starts at the top of a first page; filters of a list keep the focus where it is.
    if (isFirst || isSame) return;
    const before = document.activeElement;
    let heading: HTMLElement | null = null;
    until(() => {
      const focused = document.activeElement;
      if (focused !== before && focused !== document.body && focused !== heading) return true;
      // A page replaces its heading once its data is there, and the focus would be lost with it.
      if (heading?.isConnected) return false;
      heading = document.querySelector<HTMLElement>('main h1');
      if (heading) {
        heading.tabIndex = -1;
        heading.focus({ preventScroll: true });
      }
      return false;
    });
  }

  private restore([x, y]: [number, number]): void {
    until(() => {
      if (document.documentElement.scrollHeight - innerHeight < y) return false;
      this.scroller.scrollToPosition([x, y]);
      return true;
    });
  }
}

function isSamePage(router: Router): boolean {
  return router.currentNavigation()?.extras.state?.['keepScroll'] === true || router.lastSuccessfulNavigation()?.extras.state?.['keepScroll'] === true;
}

/** Tries `done` once per frame until it returns true; a page whose data is late is given up. */
function until(done: () => boolean): void {
  const end = performance.now() + PATIENCE_MS;
  const step = () => {
    if (!done() && performance.now() < end) requestAnimationFrame(step);
  };
  requestAnimationFrame(step);
}
