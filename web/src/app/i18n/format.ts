import type { PipeTransform } from '@angular/core';
import { Injectable, Pipe, inject } from '@angular/core';
import type { Money } from '../api/types';
import { I18n } from './i18n';

export type DateStyle = 'date' | 'time' | 'both' | 'day';

const DATE_STYLES: Record<DateStyle, Intl.DateTimeFormatOptions> = {
  date: { day: 'numeric', month: 'long', year: 'numeric' },
  time: { hour: '2-digit', minute: '2-digit' },
  both: { day: 'numeric', month: 'short', year: 'numeric', hour: '2-digit', minute: '2-digit' },
  day: { day: 'numeric', month: 'short' },
};

/** Number of digits after the decimal point of `currency`: 2 for EUR, 0 for JPY, 3 for KWD. */
export function minorDigits(currency: string): number {
  return new Intl.NumberFormat('en', { style: 'currency', currency }).resolvedOptions().maximumFractionDigits ?? 2;
}

/** Parses what a person typed, such as `12,50` or `12.5`, to minor units; `null` if it is no amount. */
export function parseAmount(text: string, currency: string): number | null {
  const match = /^\s*(\d{1,9})(?:[.,](\d+))?\s*$/.exec(text);
  if (!match) return null;
  const digits = minorDigits(currency);
  const fraction = match[2] ?? '';
  if (fraction.length > digits) return null;
  return Number(match[1]) * 10 ** digits + Number(fraction.padEnd(digits, '0') || '0');
}

/** Writes `money` as a person types it: `12.50`. */
export function plainAmount(money: Money): string {
  const digits = minorDigits(money.currency);
  return (money.amount / 10 ** digits).toFixed(digits);
}

/** Money, dates and numbers in the current language. */
@Injectable({ providedIn: 'root' })
export class Format {
  private readonly i18n = inject(I18n);
  private readonly currencies = new Map<string, Intl.NumberFormat>();
  private readonly dates = new Map<string, Intl.DateTimeFormat>();

  money(money: Money): string {
    const locale = this.i18n.t().locale.money;
    const key = `${locale} ${money.currency}`;
    let format = this.currencies.get(key);
    if (!format) {
      format = new Intl.NumberFormat(locale, { style: 'currency', currency: money.currency });
      this.currencies.set(key, format);
    }
    return format.format(money.amount / 10 ** (format.resolvedOptions().maximumFractionDigits ?? 2));
  }

  date(time: string | number | Date, style: DateStyle = 'both'): string {
    const locale = this.i18n.t().locale.date;
    const key = `${locale} ${style}`;
    let format = this.dates.get(key);
    if (!format) {
      format = new Intl.DateTimeFormat(locale, DATE_STYLES[style]);
      this.dates.set(key, format);
    }
    return format.format(new Date(time));
  }

  number(value: number): string {
    return value.toLocaleString(this.i18n.t().locale.money);
  }

  /** Time left in words, in its largest unit: "3 hours", "12 minutes". */
  span(milliseconds: number): string {
    const { hours, minutes } = this.i18n.t().cart;
    const whole = Math.max(1, Math.round(milliseconds / 60_000));
    return whole >= 90 ? hours(Math.round(whole / 60)) : minutes(whole);
  }
}

/** `{{ product.price | money }}` */
@Pipe({ name: 'money', pure: false })
export class MoneyPipe implements PipeTransform {
  private readonly format = inject(Format);

  transform(value: Money | null | undefined): string {
    return value ? this.format.money(value) : '';
  }
}

/** `{{ order.orderDate | when: 'date' }}` */
@Pipe({ name: 'when', pure: false })
export class WhenPipe implements PipeTransform {
  private readonly format = inject(Format);

  transform(value: string | null | undefined, style: DateStyle = 'both'): string {
    return value ? this.format.date(value, style) : '';
  }
}
