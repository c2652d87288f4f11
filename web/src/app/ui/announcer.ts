import { DOCUMENT, Injectable, inject } from '@angular/core';

/** Says something to screen readers without moving the focus: a count after filtering, a new quantity. */
@Injectable({ providedIn: 'root' })
export class Announcer {
  private readonly document = inject(DOCUMENT);
  private region: HTMLElement | null = null;

  say(text: string): void {
    const region = (this.region ??= this.create());
    region.textContent = '';
    // A region that changes to the same text is not read again; an empty moment between makes it a change.
    setTimeout(() => (region.textContent = text), 50);
  }

  private create(): HTMLElement {
    const region = this.document.createElement('div');
    region.setAttribute('role', 'status');
    region.setAttribute('aria-live', 'polite');
    region.className = 'vh';
    this.document.body.append(region);
    return region;
  }
}
