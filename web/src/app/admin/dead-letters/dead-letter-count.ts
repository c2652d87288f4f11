import { Injectable, inject, signal } from '@angular/core';
import { DeadLetterClient } from './dead-letter-client';

/** Number of dead letters, for the menu. */
@Injectable({ providedIn: 'root' })
export class DeadLetterCount {
  private readonly client = inject(DeadLetterClient);
  private readonly number = signal(0);
  readonly count = this.number.asReadonly();

  set(count: number): void {
    this.number.set(count);
  }

  async read(): Promise<void> {
    try {
      this.number.set(await this.client.count());
    } catch {
      // The menu shows no number then; the page itself shows the error.
    }
  }
}
