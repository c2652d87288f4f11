import { DestroyRef, Directive, inject } from '@angular/core';
import { Drawer } from 'primeng/drawer';

/** Role, name and focus of a modal dialog, which PrimeNG's drawer lacks: focus moves in when it opens, and back when it closes. */
@Directive({ selector: 'p-drawer' })
export class ModalDrawer {
  private opener: Element | null = null;

  constructor() {
    const drawer = inject(Drawer, { self: true });
    const shown = drawer.onShow.subscribe(() => {
      this.opener = document.activeElement;
      const box = drawer.container;
      box?.setAttribute('role', 'dialog');
      box?.setAttribute('aria-modal', 'true');
      box?.setAttribute('aria-label', drawer.header ?? '');
      box?.querySelector<HTMLElement>('.p-drawer-header button')?.focus();
    });
    // A page that was opened from the drawer has focused its heading.
    const hidden = drawer.onHide.subscribe(() => {
      if (document.activeElement === document.body && this.opener instanceof HTMLElement) this.opener.focus();
    });
    inject(DestroyRef).onDestroy(() => {
      shown.unsubscribe();
      hidden.unsubscribe();
    });
  }
}
