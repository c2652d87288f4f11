import type { HttpInterceptorFn } from '@angular/common/http';
import { HttpResponse } from '@angular/common/http';
import { InjectionToken, inject } from '@angular/core';
import { of, tap } from 'rxjs';

const KEPT_ANSWERS = 24;

/** Answers of the API that need no request: those in the page itself, and those of pages that the visitor returns to. */
export class KnownAnswers {
  /** True while a navigation by "back" or "forward" is under way and its page reads its data. */
  returning = false;
  private readonly seen = new Map<string, unknown>();

  constructor(private readonly first: Record<string, unknown>) {}

  /** Removes and returns the answer that came with the page. */
  take(url: string): unknown {
    const body = this.first[url];
    delete this.first[url];
    return body ?? (this.returning ? this.seen.get(url) : undefined);
  }

  keep(url: string, body: unknown): void {
    this.seen.delete(url);
    this.seen.set(url, body);
    const oldest = this.seen.keys().next();
    if (this.seen.size > KEPT_ANSWERS && !oldest.done) this.seen.delete(oldest.value);
  }
}

export const KNOWN_ANSWERS = new InjectionToken<KnownAnswers>('KNOWN_ANSWERS', {
  providedIn: 'root',
  factory: () => {
    const text = document.getElementById('souk-data')?.textContent;
    return new KnownAnswers(text ? (JSON.parse(text) as Record<string, unknown>) : {});
  },
});

/** Serves the catalogue's reads from the page's own data, or from memory after "back". */
export const firstData: HttpInterceptorFn = (request, next) => {
  if (request.method !== 'GET' || !/^\/api\/(products|categories|shop)\b/.test(request.url)) return next(request);
  const answers = inject(KNOWN_ANSWERS);
  const url = request.urlWithParams;
  const body = answers.take(url);
  if (body !== undefined) {
    answers.keep(url, body);
    return of(new HttpResponse({ status: 200, body, url }));
  }
  return next(request).pipe(
    tap((event) => {
      if (event instanceof HttpResponse) answers.keep(url, event.body);
    }),
  );
};
