// Pages that are forms: as they open, while they are sent, refused, and done.
import { TestBed } from '@angular/core/testing';
import { Router } from '@angular/router';
import { AccountPage } from '../account/account-page/account-page';
import { ForgotPage } from '../account/forgot-page/forgot-page';
import { RegisterPage } from '../account/register-page/register-page';
import { ResetPage } from '../account/reset-page/reset-page';
import { SignInPage } from '../account/sign-in-page/sign-in-page';
import { NotFoundPage } from '../shell/not-found-page';
import { OfflinePage } from '../shell/offline-page';
import { HttpErrorResponse, HttpHeaders } from '@angular/common/http';
import type { Page } from './page';
import { CUSTOMER, showPage } from './page';

const PASSWORD = 'correct horse battery';

function fill(shown: Page<unknown>, values: Record<string, string>, form = 'form'): void {
  for (const [autocomplete, value] of Object.entries(values)) {
    const field = shown.element.querySelector<HTMLInputElement>(`${form} input[autocomplete="${autocomplete}"]:not([hidden])`)!;
    field.value = value;
    field.dispatchEvent(new Event('input'));
  }
}
async function send(shown: Page<unknown>, form = 'form'): Promise<void> {
  shown.element.querySelector<HTMLButtonElement>(`${form} button[type="submit"]`)?.click();
  await shown.settle();
}
const isBusy = (shown: Page<unknown>, form = 'form') => shown.element.querySelector(`${form} [type="submit"]`)?.getAttribute('aria-busy');
const alert = (shown: Page<unknown>) => shown.element.querySelector('[role="alert"]')?.textContent ?? '';
const wrongFields = (shown: Page<unknown>) => [...shown.element.querySelectorAll('[aria-invalid="true"]')].map((field) => field.getAttribute('autocomplete'));
const refusal = (status: number, code: string, retryAfter?: number) =>
  new HttpErrorResponse({ status, error: { code }, headers: new HttpHeaders(retryAfter ? { 'Retry-After': String(retryAfter) } : {}) });

/** Shows an entry page whose session answers with `enter`. */
async function entry(page: typeof SignInPage | typeof RegisterPage, enter: () => Promise<unknown>, inputs = {}) {
  const shown = await showPage<unknown>(page, [], { user: null, inputs, session: { signIn: enter, register: enter } });
  const navigate = vi.spyOn(TestBed.inject(Router), 'navigateByUrl').mockResolvedValue(true);
  return { shown, navigate };
}

for (const [name, page, password] of [['sign-in', SignInPage, 'current-password'], ['registration', RegisterPage, 'new-password']] as const) {
  describe(name, () => {
    const values = { [page === SignInPage ? 'username' : 'email']: 'ada@example.com', [password]: PASSWORD };

    it('names what is missing, and sends nothing', async () => {
      const enter = vi.fn(() => Promise.resolve(CUSTOMER));
      const { shown } = await entry(page, enter);
      await send(shown);
      expect(wrongFields(shown)).toHaveLength(2);
      expect(enter).not.toHaveBeenCalled();
    });

    it('is busy until the answer comes, and is sent once', async () => {
      const enter = vi.fn(() => new Promise(() => undefined));
      const { shown } = await entry(page, enter);
      fill(shown, values);
      await send(shown);
      await send(shown);
      expect([isBusy(shown), enter.mock.calls.length]).toEqual(['true', 1]);
    });

    it('says why it was refused, and counts down before the next attempt', async () => {
      const enter = vi.fn(() => Promise.reject(refusal(429, 'auth.too_many_attempts', 7)));
      const { shown } = await entry(page, enter);
      fill(shown, values);
      await send(shown);
      expect(alert(shown)).toContain('7');
      await send(shown);
      expect([isBusy(shown), enter.mock.calls.length]).toEqual(['false', 1]);
      expect(shown.element.querySelectorAll('h1')).toHaveLength(1);
    });

    it('leads back to where one came from, within the shop', async () => {
      for (const [returnUrl, target] of [['/checkout', '/checkout'], ['https://evil.example/', '/'], [undefined, '/']]) {
        TestBed.resetTestingModule();
        const { shown, navigate } = await entry(page, () => Promise.resolve(CUSTOMER), { returnUrl });
        fill(shown, values);
        await send(shown);
        expect(navigate).toHaveBeenCalledWith(target, { replaceUrl: true });
      }
    });
  });
}

describe('a forgotten password', () => {
  it('is busy, and says the same whether the address has an account or not', async () => {
    const shown = await showPage(ForgotPage, [[/POST/, 'pending']], { user: null });
    fill(shown, { email: 'ada@example.com' });
    await send(shown);
    expect(isBusy(shown)).toBe('true');
    TestBed.resetTestingModule();
    const done = await showPage(ForgotPage, [[/POST \/api\/auth\/password\/forgot/, { body: null }]], { user: null });
    fill(done, { email: ' ada@example.com' });
    await send(done);
    expect(done.requests.sent[0]?.body).toEqual({ email: 'ada@example.com' });
    expect(done.element.querySelector('[role="status"]')).not.toBeNull();
    expect(done.element.querySelector('form')).toBeNull();
  });

  it('is not asked for with a wrong address, nor lost when the shop is away', async () => {
    const shown = await showPage(ForgotPage, [[/POST/, { status: 503 }]], { user: null });
    fill(shown, { email: 'ada' });
    await send(shown);
    expect([wrongFields(shown), shown.requests.sent.length]).toEqual([['email'], 0]);
    fill(shown, { email: 'ada@example.com' });
    await send(shown);
    expect(alert(shown)).not.toBe('');
    expect(isBusy(shown)).toBe('false');
  });
});

describe('a new password by mail', () => {
  it('needs the link of the mail', async () => {
    const shown = await showPage(ResetPage, [], { user: null });
    expect(shown.element.querySelector('form')).toBeNull();
    expect(shown.element.querySelector('a[href="/forgot-password"]')).not.toBeNull();
  });

  it('is set, and signs in nobody', async () => {
    const shown = await showPage(ResetPage, [[/POST \/api\/auth\/password\/reset/, { body: null }]], { user: null, inputs: { token: 'tok' } });
    const navigate = vi.spyOn(TestBed.inject(Router), 'navigateByUrl').mockResolvedValue(true);
    fill(shown, { 'new-password': 'short' });
    await send(shown);
    expect([wrongFields(shown), shown.requests.sent.length]).toEqual([['new-password'], 0]);
    fill(shown, { 'new-password': PASSWORD });
    await send(shown);
    expect(shown.requests.sent[0]?.body).toEqual({ token: 'tok', new: PASSWORD });
    expect(navigate).toHaveBeenCalledWith('/sign-in', { replaceUrl: true });
  });

  it('says that the link is used up', async () => {
    const shown = await showPage(ResetPage, [[/POST/, { status: 422, code: 'auth.reset_token_invalid' }]], { user: null, inputs: { token: 'tok' } });
    fill(shown, { 'new-password': PASSWORD });
    await send(shown);
    expect(alert(shown)).not.toBe('');
  });
});

describe('the account', () => {
  it('shows whose it is, and leads to what belongs to it', async () => {
    const shown = await showPage(AccountPage, []);
    expect(shown.text()).toContain('ada@example.com');
    expect([...shown.element.querySelectorAll('.links a')].map((link) => link.getAttribute('href'))).toEqual(['/orders', '/wishlist', '/buy-again', '/notices']);
    expect(shown.element.querySelectorAll('h1')).toHaveLength(1);
  });

  it('saves a name at once, and a new address with the password', async () => {
    const shown = await showPage(AccountPage, [[/PATCH/, { body: CUSTOMER }]]);
    fill(shown, { nickname: 'Ada Byron' }, 'app-profile-form');
    await send(shown, 'app-profile-form');
    expect(shown.requests.sent.at(-1)?.body).toEqual({ email: 'ada@example.com', language: 'en', username: 'Ada Byron' });
    fill(shown, { email: 'byron@example.com' }, 'app-profile-form');
    await shown.settle();
    fill(shown, { 'current-password': PASSWORD }, 'app-profile-form');
    await send(shown, 'app-profile-form');
    expect(shown.requests.sent.at(-1)?.body).toEqual({ email: 'byron@example.com', language: 'en', username: 'Ada Byron', current: PASSWORD });
  });

  it('puts a refusal where it belongs', async () => {
    const shown = await showPage(AccountPage, []);
    shown.requests.answer = [[/PATCH/, { status: 503 }]];
    await send(shown, 'app-profile-form');
    expect(shown.element.querySelector('app-profile-form [role="alert"]')).not.toBeNull();
    expect(shown.element.querySelector('app-password-form [role="alert"]')).toBeNull();
    expect(isBusy(shown, 'app-profile-form')).toBe('false');
  });

  it('signs out everywhere with a new password', async () => {
    const signOut = vi.fn(() => Promise.resolve());
    const shown = await showPage(AccountPage, [[/POST \/api\/auth\/password$/, { body: null }]], { session: { signOut } });
    const navigate = vi.spyOn(TestBed.inject(Router), 'navigateByUrl').mockResolvedValue(true);
    fill(shown, { 'current-password': PASSWORD, 'new-password': `${PASSWORD} new` }, 'app-password-form');
    await send(shown, 'app-password-form');
    expect(shown.requests.sent.at(-1)?.body).toEqual({ current: PASSWORD, new: `${PASSWORD} new` });
    expect(signOut).toHaveBeenCalledTimes(1);
    expect(navigate).toHaveBeenCalledWith('/sign-in');
  });
});

describe('pages without data', () => {
  it('lead on', async () => {
    const missing = await showPage(NotFoundPage, []);
    expect([...missing.element.querySelectorAll('a')].map((link) => link.getAttribute('href'))).toEqual(['/search', '/']);
    TestBed.resetTestingModule();
    const offline = await showPage(OfflinePage, []);
    expect([offline.element.querySelectorAll('h1').length, offline.element.querySelectorAll('button').length]).toEqual([1, 1]);
  });
});

