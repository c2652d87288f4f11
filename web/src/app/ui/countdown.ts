import { DestroyRef, Injectable, effect, inject, signal } from '@angular/core';

/** Seconds until a retry is welcome, counted down. Provide it in the component that shows them. */
@Injectable()
export class Countdown {
  private readonly seconds = signal(0);
  private timer: ReturnType<typeof setInterval> | undefined;
  readonly left = this.seconds.asReadonly();

  constructor() {
    inject(DestroyRef).onDestroy(() => clearInterval(this.timer));
  }

  /** Starts at each value that `retryAfter` takes. Call it in a constructor. */
  follow(retryAfter: () => number | null): void {
    effect(() => this.start(retryAfter() ?? 0));
  }

  start(seconds: number): void {
    clearInterval(this.timer);
    this.seconds.set(Math.ceil(seconds));
    if (seconds <= 0) return;
    this.timer = setInterval(() => {
      this.seconds.update((left) => Math.max(0, left - 1));
      if (this.seconds() === 0) clearInterval(this.timer);
    }, 1000);
  }
}
