import { DestroyRef, inject } from '@angular/core';

/** Calls `act` every `seconds` while the page is visible, and at once when it becomes visible again. */
export function everyWhileVisible(seconds: number, act: () => void): void {
  const tick = () => {
    if (document.visibilityState === 'visible') act();
  };
  const timer = setInterval(tick, seconds * 1000);
  document.addEventListener('visibilitychange', tick);
  inject(DestroyRef).onDestroy(() => {
    clearInterval(timer);
    document.removeEventListener('visibilitychange', tick);
  });
}
