import { HttpClient } from '@angular/common/http';
import { Injectable, inject } from '@angular/core';
import type { VisitSource, VisitStep } from '../api/types';

const SEARCH = /(^|\.)(google|bing|duckduckgo|ecosia|qwant|yahoo|startpage|yandex|baidu|brave)(\.|$)/;
const SOCIAL = /(^|\.)(facebook|instagram|t\.co|twitter|x\.com|reddit|pinterest|tiktok|linkedin|youtube|mastodon|bsky|threads)(\.|$)/;

/** Returns what brought the visitor, by the address of the first page and the page before it: the campaign's parameters, else the other site. */
export function sourceOf(search: string, referrer: string, ownHost: string): VisitSource {
  const parameters = new URLSearchParams(search);
  const medium = (parameters.get('utm_medium') ?? '').toLowerCase();
  if (/mail|newsletter/.test(medium)) return 'email';
  if (/cpc|ppc|paid|display|banner|^ad/.test(medium)) return 'ad';
  if (/social/.test(medium)) return 'social';
  const campaign = (parameters.get('utm_source') ?? '').toLowerCase();
  if (campaign) return /mail|newsletter/.test(campaign) ? 'email' : siteOf(campaign);
  let host: string;
  try {
    host = new URL(referrer).host;
  } catch {
    return 'direct';
  }
  return host === ownHost ? 'direct' : siteOf(host);
}

/** Returns the kind of a site by its host or name. All that are not known are one kind, since kinds label metrics. */
function siteOf(name: string): VisitSource {
  if (SEARCH.test(name)) return 'search';
  return SOCIAL.test(name) ? 'social' : 'referral';
}

/** True if the visitor does not want to be tracked: Global Privacy Control, or Do Not Track. */
function objectsToTracking(browser: { globalPrivacyControl?: boolean; doNotTrack?: string | null }): boolean {
  return browser.globalPrivacyControl === true || browser.doNotTrack === '1';
}

/**
 * Counts page views for the funnel. Nothing about the visitor leaves the browser but the source and the step, and nothing at all
 * if the visitor objects.
 */
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
    if (objectsToTracking(navigator)) return;
    const page = visit.page.slice(0, 500);
    // Statistics never disturb the visitor: a failure is dropped.
    this.http.post('/api/visits', { ...visit, page }).subscribe({ error: () => undefined });
  }
}
