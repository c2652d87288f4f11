import { provideHttpClient } from '@angular/common/http';
import { HttpTestingController, provideHttpClientTesting } from '@angular/common/http/testing';
import { TestBed } from '@angular/core/testing';
import { Visits, sourceOf } from './visits';

const HOST = 'shop.example';

describe('the source of a visit', () => {
  it.each([
    ['', '', 'direct'],
    ['', 'https://shop.example/cart', 'direct'],
    ['', 'https://www.google.de/', 'search'],
    ['', 'https://duckduckgo.com/?q=kettle', 'search'],
    ['', 'https://t.co/abc', 'social'],
    ['', 'https://www.instagram.com/', 'social'],
    ['', 'https://blog.example/kettles', 'referral'],
    ['', 'android-app://x', 'referral'],
    ['?utm_medium=Newsletter', 'https://www.google.de/', 'email'],
    ['?utm_medium=cpc', '', 'ad'],
    ['?utm_medium=social', '', 'social'],
    ['?utm_source=google', '', 'search'],
    ['?utm_source=Facebook', 'https://www.google.de/', 'social'],
    ['?utm_source=newsletter', '', 'email'],
    ['?utm_source=partner-42', '', 'referral'],
    ['?utm_source=facebook&utm_medium=cpc', '', 'ad'],
    ['', 'not a url', 'direct'],
  ])('%j after %j is %s', (search, referrer, source) => expect(sourceOf(search, referrer, HOST)).toBe(source));
});

describe('a visitor', () => {
  function requests(signal: { globalPrivacyControl?: boolean; doNotTrack?: string }): number {
    for (const [name, value] of Object.entries(signal)) Object.defineProperty(navigator, name, { value, configurable: true });
    TestBed.configureTestingModule({ providers: [provideHttpClient(), provideHttpClientTesting()] });
    TestBed.inject(Visits).page('/checkout');
    return TestBed.inject(HttpTestingController).match('/api/visits').length;
  }

  afterEach(() => {
    for (const name of ['globalPrivacyControl', 'doNotTrack']) Reflect.deleteProperty(navigator, name);
  });

  it('is counted', () => expect(requests({})).toBe(2));
  it('is counted if tracking is allowed', () => expect(requests({ globalPrivacyControl: false, doNotTrack: '0' })).toBe(2));
  it('is not counted with Global Privacy Control', () => expect(requests({ globalPrivacyControl: true })).toBe(0));
  it('is not counted with Do Not Track', () => expect(requests({ doNotTrack: '1' })).toBe(0));
});
