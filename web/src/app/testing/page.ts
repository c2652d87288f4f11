import type { HttpInterceptorFn } from '@angular/common/http';
import { HttpErrorResponse, HttpHeaders, HttpResponse, provideHttpClient, withInterceptors } from '@angular/common/http';
import type { Type } from '@angular/core';
import { signal } from '@angular/core';
import type { ComponentFixture } from '@angular/core/testing';
import { DeferBlockBehavior, TestBed } from '@angular/core/testing';
import { provideRouter } from '@angular/router';
import { NEVER, delay, of, throwError } from 'rxjs';
import type { User } from '../api/types';
import { AdminTexts } from '../i18n/admin-texts';
import { I18n } from '../i18n/i18n';
import { Session } from '../session/session';

/** Answer of the shop to a request: a body, a status with a problem, or nothing yet. */
export type Answer = { body: unknown; headers?: Record<string, string> } | { status: number; code?: string; retryAfter?: number } | 'pending';
/** Answers by method and path with query; the first that matches wins. */
export type Backend = readonly (readonly [pattern: RegExp, answer: Answer])[];

export interface Requests {
  sent: { method: string; url: string; body: unknown; headers: Record<string, string> }[];
  answer: Backend;
}

export const CUSTOMER: User = { userId: 7, username: 'ada', email: 'ada@example.com', role: 'customer', language: 'en' };
export const ADMIN: User = { userId: 1, username: 'root', email: 'root@example.com', role: 'admin', language: 'en' };

/** An interceptor that answers instead of the network, and what was requested. */
export function fakeShop(answer: Backend): { requests: Requests; interceptor: HttpInterceptorFn } {
  const requests: Requests = { sent: [], answer };
  const interceptor: HttpInterceptorFn = (request) => {
    const { method, urlWithParams: url, body } = request;
    requests.sent.push({ method, url, body, headers: Object.fromEntries(request.headers.keys().map((key) => [key, request.headers.get(key) ?? ''])) });
    const found = requests.answer.find(([pattern]) => pattern.test(`${method} ${url}`))?.[1] ?? { status: 404, code: 'route.not_found' };
    if (found === 'pending') return NEVER;
    if ('body' in found) return of(new HttpResponse({ status: 200, body: found.body, url, headers: new HttpHeaders(found.headers ?? {}) })).pipe(delay(0));
    const headers = new HttpHeaders(found.retryAfter ? { 'Retry-After': String(found.retryAfter) } : {});
    return throwError(() => new HttpErrorResponse({ status: found.status, url, headers, error: { code: found.code ?? 'unknown', status: found.status, title: '', type: '' } }));
  };
  return { requests, interceptor };
}

/** A session that does not change: `null` for a visitor without one. */
export function fixedSession(user: User | null) {
  const isCustomer = user !== null && user.role !== 'guest';
  return {
    user: signal(user),
    isKnown: signal(true),
    isCustomer: signal(isCustomer),
    isAdmin: signal(user?.role === 'admin'),
    ended: signal(0),
    displayName: signal(user?.username ?? ''),
    restore: () => Promise.resolve(),
    token: () => Promise.resolve(null),
    currentToken: () => 'token',
    ensureShopper: () => Promise.resolve(),
    update: () => undefined,
  };
}

export interface Page<T> {
  fixture: ComponentFixture<T>;
  element: HTMLElement;
  requests: Requests;
  /** Lets what is under way finish. */
  settle: () => Promise<void>;
  text: () => string;
}

/** Lets what a store has under way finish, without a page. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 6; i += 1) {
    TestBed.tick();
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** Shows a page as the shop would, with `backend` behind it. */
export async function showPage<T>(page: Type<T>, backend: Backend, options: { user?: User | null; inputs?: Record<string, unknown>; session?: object } = {}): Promise<Page<T>> {
  const { requests, interceptor } = fakeShop(backend);
  TestBed.configureTestingModule({
    imports: [page],
    // Dialogs and charts stay away; the journeys in e2e open them.
    deferBlockBehavior: DeferBlockBehavior.Manual,
    providers: [
      provideHttpClient(withInterceptors([interceptor])),
      provideRouter([]),
      { provide: Session, useValue: { ...fixedSession(options.user === undefined ? CUSTOMER : options.user), ...options.session } },
    ],
  });
  await TestBed.inject(I18n).start();
  await TestBed.inject(AdminTexts).load('en');
  // Pages with @defer have dependencies that are loaded later.
  await TestBed.compileComponents();
  const fixture = TestBed.createComponent(page);
  for (const [name, value] of Object.entries(options.inputs ?? {})) fixture.componentRef.setInput(name, value);
  const settle = async () => {
    for (let i = 0; i < 6; i += 1) {
      await new Promise((resolve) => setTimeout(resolve, 2));
      fixture.detectChanges();
    }
  };
  fixture.detectChanges();
  await settle();
  return { fixture, element: fixture.nativeElement as HTMLElement, requests, settle, text: () => (fixture.nativeElement as HTMLElement).textContent ?? '' };
}
