import { TestBed } from '@angular/core/testing';
import { Format, minorDigits, parseAmount, plainAmount } from './format';
import { I18n } from './i18n';

describe('amounts', () => {
  it('are read as people type them', () => {
    expect(parseAmount('12.50', 'EUR')).toBe(1250);
    expect(parseAmount(' 12,5 ', 'EUR')).toBe(1250);
    expect(parseAmount('7', 'EUR')).toBe(700);
    expect(parseAmount('500', 'JPY')).toBe(500);
    expect(parseAmount('1.234', 'KWD')).toBe(1234);
  });

  it.each(['', 'x', '-1', '1.234', '1,2,3', '1e5', '12.'])('refuse %j', (text) => expect(parseAmount(text, 'EUR')).toBeNull());

  it('have the digits of their currency', () => {
    expect([minorDigits('EUR'), minorDigits('JPY'), minorDigits('KWD')]).toEqual([2, 0, 3]);
    expect(plainAmount({ amount: 1250, currency: 'EUR' })).toBe('12.50');
    expect(plainAmount({ amount: 500, currency: 'JPY' })).toBe('500');
  });
});

describe('formats', () => {
  it('follow the language at run time', async () => {
    const i18n = TestBed.inject(I18n);
    await i18n.use('en');
    const format = TestBed.inject(Format);
    expect(format.money({ amount: 123450, currency: 'EUR' })).toBe('€1,234.50');
    expect(format.money({ amount: 500, currency: 'JPY' })).toContain('500');
    expect(format.span(24 * 3_600_000)).toBe('24 hours');
    expect(format.span(60_000)).toBe('1 minute');
    await i18n.use('de');
    expect(format.money({ amount: 123450, currency: 'EUR' })).toBe('1.234,50\u00A0€');
    expect(format.span(3 * 3_600_000)).toBe('3 Stunden');
    expect(document.documentElement.lang).toBe('de');
    expect(document.cookie).toContain('souk_lang=de');
    document.cookie = 'souk_lang=; Max-Age=0; Path=/';
  });
});
