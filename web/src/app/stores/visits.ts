import { HttpClient } from '@angular/common/http';
import { Injectable, inject } from '@angular/core';
import type { VisitSource, VisitStep } from '../api/types';

const SEARCH = /(^|\.)(google|bing|duckduckgo|ecosia|qwant|yahoo|startpage|yandex|baidu|brave)\./;
const SOCIAL = /(^|\.)(facebook|instagram|t\.co|twitter|x\.com|reddit|pinterest|tiktok|linkedin|youtube|mastodon|bsky|threads)(\.|$)/;

/** Returns what brought the visitor, by the address of the first page and the page before it. */
export function sourceOf(search: string, referrer: string, ownHost: string): VisitSource {
  const medium = (new URLSearchParams(search).get('utm_medium') ?? '').toLowerCase();
  if (/mail|newsletter/.test(medium)) return 'email';
  if (/cpc|ppc|paid|display|banner|^ad/.test(medium)) return 'ad';
  if (/social/.test(medium)) return 'social';
  let host: string;
  try {
    host = new URL(referrer).host;
  } catch {
    return 'direct';
  }
  if (host === ownHost) return 'direct';
  if (SEARCH.test(host)) return 'search';
  return SOCIAL.test(host) ? 'social' : 'referral';
}

/** Counts page views for the funnel. Nothing about the visitor leaves the browser but the source and the step. */
@Injectable({ providedIn: 'root' })
export class Visits {
  private readonly http = inject(HttpClient);
  private isFirst = true;

  page(path: string): void {
    if (this.isFirst) {
      this.isFirst = false;
      const source = sourceOf(location.search, document.referrer, location.host);
      this.send({ page: path, step: 'visit', source });
    }
    if (path.startsWith('/products/')) this.send({ page: path, step: 'product' });
    if (path === '/checkout') this.send({ page: path, step: 'checkout' });
  }

  reached(step: VisitStep): void {
    this.send({ page: location.pathname, step });
  }

  private send(visit: { page: string; step: VisitStep; source?: VisitSource }): void {
    const page = visit.page.slice(0, 500);
    // Statistics never disturb the visitor: a failure is dropped.
    this.http.post('/api/visits', { ...visit, page }).subscribe({ error: () => undefined });
  }
}
