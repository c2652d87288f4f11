import { sourceOf } from './visits';

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
    ['', 'not a url', 'direct'],
  ])('%j after %j is %s', (search, referrer, source) => expect(sourceOf(search, referrer, HOST)).toBe(source));
});
