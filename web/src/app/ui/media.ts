import { DOCUMENT, DestroyRef, type Signal, inject, signal } from '@angular/core';

/** Whether a media query holds now, for parts that are costly to draw where a style would only hide them. */
export function media(query: string): Signal<boolean> {
  const list = inject(DOCUMENT).defaultView?.matchMedia?.(query);
  const holds = signal(list?.matches ?? true);
  const update = () => holds.set(list?.matches ?? true);
  list?.addEventListener('change', update);
  inject(DestroyRef).onDestroy(() => list?.removeEventListener('change', update));
  return holds.asReadonly();
}
