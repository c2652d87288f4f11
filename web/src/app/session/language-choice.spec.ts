import { provideHttpClient } from '@angular/common/http';
import { HttpTestingController, provideHttpClientTesting } from '@angular/common/http/testing';
import { signal } from '@angular/core';
import { TestBed } from '@angular/core/testing';
import type { User } from '../api/types';
import { I18n } from '../i18n/i18n';
import { CUSTOMER, fixedSession } from '../testing/page';
import { LanguageChoice } from './language-choice';
import { Session } from './session';

const tick = () => new Promise((resolve) => setTimeout(resolve, 5));

describe('the choice of a language', () => {
  let http: HttpTestingController;
  let user: ReturnType<typeof signal<User | null>>;
  let choice: LanguageChoice;

  async function signedInAs(who: User | null): Promise<void> {
    user = signal(who);
    const session = { ...fixedSession(who), user, update: (changed: User) => user.set(changed) };
    TestBed.configureTestingModule({ providers: [provideHttpClient(), provideHttpClientTesting(), { provide: Session, useValue: session }] });
    await TestBed.inject(I18n).use('en');
    http = TestBed.inject(HttpTestingController);
    choice = TestBed.inject(LanguageChoice);
  }

  afterEach(async () => {
    http.verify();
    await TestBed.inject(I18n).use('en');
  });

  it('changes the page at once and the account of a signed-in person once', async () => {
    await signedInAs(CUSTOMER);
    const using = choice.use('de');
    await tick();
    expect(TestBed.inject(I18n).language()).toBe('de');
    const request = http.expectOne({ method: 'PATCH', url: '/api/auth/me' });
    expect(request.request.body).toEqual({ language: 'de' });
    request.flush({ ...CUSTOMER, language: 'de' });
    await using;
    expect(user()?.language).toBe('de');
    await choice.use('de');
  });

  it('sends nothing for visitors and guests', async () => {
    await signedInAs(null);
    await choice.use('de');
    TestBed.resetTestingModule();
    await signedInAs({ userId: 9, username: null, email: null, role: 'guest', language: null });
    await choice.use('de');
    expect(TestBed.inject(I18n).language()).toBe('de');
  });

  it('neither shows nor repeats a failure, and the next choice is saved again', async () => {
    await signedInAs(CUSTOMER);
    const using = choice.use('de');
    await tick();
    http.expectOne('/api/auth/me').flush({ code: 'service.starting' }, { status: 503, statusText: '' });
    await using;
    await tick();
    expect([TestBed.inject(I18n).language(), user()?.language]).toEqual(['de', 'en']);
    const again = choice.use('de');
    await tick();
    http.expectOne('/api/auth/me').flush({ ...CUSTOMER, language: 'de' });
    await again;
    expect(user()?.language).toBe('de');
  });

  it('ends with the last of quick choices', async () => {
    await signedInAs(CUSTOMER);
    const both = [choice.use('de'), tick().then(() => choice.use('en'))];
    await tick();
    await tick();
    http.expectOne('/api/auth/me').flush({ ...CUSTOMER, language: 'de' });
    await tick();
    const second = http.expectOne('/api/auth/me');
    expect(second.request.body).toEqual({ language: 'en' });
    second.flush({ ...CUSTOMER, language: 'en' });
    await Promise.all(both);
    expect(user()?.language).toBe('en');
  });

  it('leaves the account of another person alone who signed in meanwhile', async () => {
    await signedInAs(CUSTOMER);
    const using = choice.use('de');
    await tick();
    const other: User = { ...CUSTOMER, userId: 8, email: 'bob@example.com' };
    user.set(other);
    http.expectOne('/api/auth/me').flush({ ...CUSTOMER, language: 'de' });
    await using;
    expect(user()).toEqual(other);
  });
});
