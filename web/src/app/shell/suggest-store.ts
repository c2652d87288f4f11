import { httpResource } from '@angular/common/http';
import { Injectable, computed, signal } from '@angular/core';
import type { Suggestions } from '../api/types';

const DELAY_MS = 120;

/** Suggestions for what is being typed into the search field. */
@Injectable()
export class SuggestStore {
  private readonly words = signal('');
  private timer: ReturnType<typeof setTimeout> | undefined;
  private readonly found = httpResource<Suggestions>(() => {
    const q = this.words();
    return q.length < 2 ? undefined : { url: '/api/products/suggest', params: { q } };
  });

  readonly query = this.words.asReadonly();
  readonly suggestions = computed<Suggestions | null>(() => (this.found.hasValue() ? this.found.value() : null));

  type(text: string): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.words.set(text.trim().slice(0, 200)), DELAY_MS);
  }

  clear(): void {
    clearTimeout(this.timer);
    this.words.set('');
  }
}
