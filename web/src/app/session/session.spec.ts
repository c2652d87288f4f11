import { provideHttpClient, withInterceptors } from '@angular/common/http';
import { HttpClient } from '@angular/common/http';
import { HttpTestingController, provideHttpClientTesting } from '@angular/common/http/testing';
import { TestBed } from '@angular/core/testing';
import { firstValueFrom } from 'rxjs';
import type { SignedIn } from '../api/types';
import { I18n } from '../i18n/i18n';
import { bearer } from './bearer';
import { ownPath } from './guards';
import { Session } from './session';

const signedIn = (accessToken: string): SignedIn => ({ accessToken, tokenType: 'Bearer', expiresIn: 900, refreshToken: 'secret', user: { userId: 7, username: 'ada', email: 'ada@example.com', role: 'customer', language: 'en' } }) as SignedIn;
const answer = (status: number, body: unknown) => Promise.resolve(new Response(JSON.stringify(body), { status }));
const tick = () => new Promise((resolve) => setTimeout(resolve));

describe('the session', () => {
  let session: Session;
  let http: HttpTestingController;
  const refresh = vi.fn<typeof fetch>();

  beforeEach(() => {
    localStorage.clear();
    refresh.mockReset();
    vi.stubGlobal('fetch', refresh);
    TestBed.configureTestingModule({ providers: [provideHttpClient(withInterceptors([bearer])), provideHttpClientTesting()] });
    session = TestBed.inject(Session);
    http = TestBed.inject(HttpTestingController);
  });
  afterEach(() => vi.unstubAllGlobals());

  async function signIn(): Promise<void> {
    const entering = session.signIn('ada@example.com', 'correct horse');
    const request = http.expectOne('/api/auth/login');
    expect(request.request.headers.get('X-Souk-Client')).toBe('browser');
    request.flush(signedIn('first'));
    await entering;
  }

  it('registers in the language of the page', async () => {
    const i18n = TestBed.inject(I18n);
    for (const language of ['en', 'de'] as const) {
      await i18n.use(language);
      const entering = session.register('ada@example.com', 'correct horse');
      const request = http.expectOne('/api/auth/register');
      expect(request.request.body).toMatchObject({ email: 'ada@example.com', password: 'correct horse', language });
      request.flush(signedIn('first'));
      await entering;
    }
    await i18n.use('en');
  });

  it('makes no request on a first visit', async () => {
    await session.restore();
    expect(refresh).not.toHaveBeenCalled();
    expect(session.isKnown()).toBe(true);
  });

  it('is restored once by the cookie, and keeps no token in storage', async () => {
    localStorage.setItem('souk.session', '1');
    refresh.mockImplementation(() => answer(200, signedIn('first')));
    await Promise.all([session.restore(), session.restore()]);
    expect(refresh).toHaveBeenCalledTimes(1);
    expect(refresh.mock.calls[0]?.[1]).toMatchObject({ keepalive: true, method: 'POST', headers: { 'X-Souk-Client': 'browser' } });
    expect(session.isCustomer()).toBe(true);
    expect(JSON.stringify({ ...localStorage, ...sessionStorage })).not.toMatch(/first|secret/);
  });

  it('waits for a rotation that a page before it started', async () => {
    vi.useFakeTimers();
    localStorage.setItem('souk.session', '1');
    localStorage.setItem('souk.rotating', String(Date.now() - 1000));
    refresh.mockImplementation(() => answer(200, signedIn('first')));
    const restoring = session.restore();
    await vi.advanceTimersByTimeAsync(1900);
    expect(refresh).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(200);
    await restoring;
    expect(refresh).toHaveBeenCalledTimes(1);
    vi.useRealTimers();
  });

  it('refreshes an expired token once, for all requests that wait, and repeats them', async () => {
    await signIn();
    refresh.mockImplementation(() => answer(200, signedIn('second')));
    const client = TestBed.inject(HttpClient);
    const reads = [firstValueFrom(client.get('/api/orders')), firstValueFrom(client.get('/api/cart'))];
    await tick();
    for (const url of ['/api/orders', '/api/cart']) {
      const request = http.expectOne(url);
      expect(request.request.headers.get('Authorization')).toBe('Bearer first');
      request.flush({ code: 'auth.token_expired' }, { status: 401, statusText: '' });
    }
    await tick();
    for (const url of ['/api/orders', '/api/cart']) {
      const request = http.expectOne(url);
      expect(request.request.headers.get('Authorization')).toBe('Bearer second');
      request.flush({});
    }
    await Promise.all(reads);
    expect(refresh).toHaveBeenCalledTimes(1);
  });

  it('does not repeat a change without a key', async () => {
    await signIn();
    const change = firstValueFrom(TestBed.inject(HttpClient).post('/api/wishlist', {}));
    await tick();
    http.expectOne('/api/wishlist').flush({ code: 'auth.token_expired' }, { status: 401, statusText: '' });
    await expect(change).rejects.toMatchObject({ status: 401 });
    expect(refresh).not.toHaveBeenCalled();
  });

  it('ends when the shop refuses the refresh, and stays while the shop is away', async () => {
    await signIn();
    refresh.mockImplementationOnce(() => Promise.reject(new TypeError('offline')));
    expect(await session.refresh()).toBe(true);
    expect(session.isCustomer()).toBe(true);
    refresh.mockImplementationOnce(() => answer(401, { code: 'auth.refresh_token_reused' }));
    expect(await session.refresh()).toBe(false);
    expect(session.user()).toBeNull();
    expect(session.ended()).toBe(1);
    expect(localStorage.getItem('souk.session')).toBeNull();
  });

  it('sends reads of the catalogue without a token', async () => {
    await signIn();
    void firstValueFrom(TestBed.inject(HttpClient).get('/api/products')).catch(() => undefined);
    await tick();
    expect(http.expectOne('/api/products').request.headers.has('Authorization')).toBe(false);
  });
});

describe('ownPath', () => {
  it.each(['//evil.example', '/\\evil.example', 'https://evil.example', 'javascript:alert(1)', '', undefined])('refuses %j', (url) => expect(ownPath(url)).toBe('/'));
  it('keeps paths of the shop', () => expect(ownPath('/orders/42?x=1')).toBe('/orders/42?x=1'));
});
