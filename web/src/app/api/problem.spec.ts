import { HttpErrorResponse, HttpHeaders } from '@angular/common/http';
import { failureOf } from './problem';

const failed = (status: number, error: unknown, headers: Record<string, string> = {}) => new HttpErrorResponse({ status, error, headers: new HttpHeaders(headers) });

describe('failureOf', () => {
  it('reads a problem with its fields and its retry', () => {
    const error = failed(429, { code: 'auth.too_many_attempts', detail: 'Wait.', errors: [{ field: 'email', message: 'is taken' }] }, { 'Retry-After': '7' });
    expect(failureOf(error)).toEqual({ status: 429, code: 'auth.too_many_attempts', detail: 'Wait.', fields: [{ field: 'email', message: 'is taken' }], retryAfter: 7, orderId: null });
  });

  it('reads a problem that came as text, and the order that it names', () => {
    expect(failureOf(failed(409, '{"code":"order.cart_already_ordered","orderId":42}'))).toMatchObject({ code: 'order.cart_already_ordered', orderId: 42 });
  });

  it('knows a shop that cannot be reached from one that fails without words', () => {
    expect(failureOf(failed(0, new ProgressEvent('error'))).code).toBe('network');
    expect(failureOf(failed(502, '<html>')).code).toBe('unknown');
    expect(failureOf(failed(503, null, { 'Retry-After': 'soon' })).retryAfter).toBeNull();
  });

  it('looks into the cause of what a resource threw', () => {
    expect(failureOf(new Error('resource', { cause: failed(404, { code: 'product.not_found' }) })).code).toBe('product.not_found');
    expect(failureOf('?').code).toBe('unknown');
  });
});
