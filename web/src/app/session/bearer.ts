import type { HttpInterceptorFn, HttpRequest } from '@angular/common/http';
import { inject } from '@angular/core';
import { catchError, from, switchMap, throwError } from 'rxjs';
import { failureOf } from '../api/problem';
import { Session } from './session';
import { WITHOUT_TOKEN } from './without-token';

/** Reads of the catalogue are public, and may be cached only without a token. */
const PUBLIC = /^\/api\/(products|categories|shop|visits|pictures)\b/;

/** The token is refused, and was valid: its sign-in may still be refreshed. */
const ENDED = new Set(['auth.token_expired', 'auth.token_ended']);

/** Adds the access token. If it has expired, refreshes once and repeats what may be repeated. */
export const bearer: HttpInterceptorFn = (request, next) => {
  if (!request.url.startsWith('/api/') || request.context.get(WITHOUT_TOKEN)) return next(request);
  const session = inject(Session);
  const withToken = (token: string | null) => next(token ? request.clone({ setHeaders: { Authorization: `Bearer ${token}` } }) : request);
  // The catalogue does not wait for the session to be restored.
  const isPublic = request.method === 'GET' && PUBLIC.test(request.url) && !session.isAdmin();
  if (isPublic || request.url === '/api/visits') return next(request);
  return from(session.token()).pipe(
    switchMap(withToken),
    catchError((error: unknown) => {
      const failure = failureOf(error);
      if (failure.status !== 401) return throwError(() => error);
      if (ENDED.has(failure.code) && isRepeatable(request)) {
        return from(session.refresh()).pipe(
          switchMap((alive) => (alive ? withToken(session.currentToken()) : throwError(() => error))),
        );
      }
      if (failure.code === 'auth.token_invalid') session.end();
      return throwError(() => error);
    }),
  );
};

function isRepeatable(request: HttpRequest<unknown>): boolean {
  // A request with an expired token was refused before it did anything; without a key a lost answer cannot be excluded.
  return request.method === 'GET' || request.headers.has('Idempotency-Key');
}
