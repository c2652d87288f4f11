import type { Type } from '@angular/core';
import { describe, expect, it } from 'vitest';
import type { User } from '../api/types';
import type { Backend } from './page';
import { showPage } from './page';

export interface StatesOf<T> {
  page: Type<T>;
  inputs?: Record<string, unknown>;
  user?: User | null;
  /** Requests that the page waits for. */
  reads: RegExp;
  /** Answers with nothing in them, and what the page then says; `null` for a page that cannot be empty. */
  empty: { backend: Backend; says: string } | null;
  data: { backend: Backend; says: readonly string[] };
  /** Number of main headings; 0 for a part of a page. */
  headings?: number;
}

/** Tests the four states of a page: loading, empty, error with a retry that works, data. */
export function describeStates<T>(name: string, states: StatesOf<T>): void {
  const { page, inputs, user, reads, empty, data, headings = 1 } = states;
  describe(`${name}: states`, () => {
    it('shows that it loads', async () => {
      const shown = await showPage(page, [[/.*/, 'pending']], { inputs, user });
      expect(shown.element.querySelector('[role="status"]')?.textContent).toContain('Loading');
      expect(shown.element.querySelector('app-failed')).toBeNull();
    });

    if (empty) {
      it('says that there is nothing, and shows a way on', async () => {
        const shown = await showPage(page, empty.backend, { inputs, user });
        expect(shown.text()).toContain(empty.says);
        expect(shown.element.querySelector('app-failed')).toBeNull();
      });
    }

    it('says what went wrong, and tries again', async () => {
      const shown = await showPage(page, [[reads, { status: 503, code: 'service.starting' }], ...data.backend], { inputs, user });
      expect(shown.element.querySelector('app-failed [role="alert"]')?.textContent).toContain('busy');
      shown.requests.answer = data.backend;
      shown.element.querySelector<HTMLButtonElement>('app-failed button')?.click();
      await shown.settle();
      expect(shown.element.querySelector('app-failed')).toBeNull();
      for (const text of data.says) expect(shown.text()).toContain(text);
    });

    it('shows its data', async () => {
      const shown = await showPage(page, data.backend, { inputs, user });
      for (const text of data.says) expect(shown.text()).toContain(text);
      expect(shown.element.querySelectorAll('h1').length).toBe(headings);
    });
  });
}
