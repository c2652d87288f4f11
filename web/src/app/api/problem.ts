import { HttpErrorResponse } from '@angular/common/http';
import type { Problem } from './types';

/** An answer that is no success, in one shape, whoever sent it. */
export interface Failure {
  /** HTTP status; 0 without an answer. */
  status: number;
  code: string;
  detail: string | null;
  fields: { field: string; message: string }[];
  /** Seconds until a retry is welcome; `null` if the answer names none. */
  retryAfter: number | null;
  /** The order that a 409 of `POST /orders` names. */
  orderId: number | null;
}

/** Returns the failure in `error`, which is what an HTTP call threw. */
export function failureOf(error: unknown): Failure {
  if (error instanceof HttpErrorResponse) {
    const body = problemIn(error.error);
    const seconds = Number(error.headers.get('Retry-After') ?? NaN);
    return {
      status: error.status,
      code: body?.code ?? (error.status === 0 ? 'network' : 'unknown'),
      detail: body?.detail ?? null,
      fields: body?.errors ?? [],
      retryAfter: Number.isFinite(seconds) ? Math.max(1, seconds) : null,
      orderId: body?.orderId ?? null,
    };
  }
  // Of a rejected resource, the cause is what HttpClient threw.
  if (error instanceof Error && error.cause instanceof HttpErrorResponse) return failureOf(error.cause);
  return { status: 0, code: 'unknown', detail: null, fields: [], retryAfter: null, orderId: null };
}

function problemIn(body: unknown): (Problem & { orderId?: number }) | null {
  const value = typeof body === 'string' ? parsed(body) : body;
  return typeof value === 'object' && value !== null && 'code' in value ? (value as Problem) : null;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
