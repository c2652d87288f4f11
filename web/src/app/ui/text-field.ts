import { ChangeDetectionStrategy, Component, DestroyRef, computed, effect, inject, input, signal } from '@angular/core';
import type { FormControl } from '@angular/forms';
import { ReactiveFormsModule } from '@angular/forms';
import { InputText } from 'primeng/inputtext';
import type { Subscription } from 'rxjs';
import { texts } from '../i18n/i18n';
import { Icon } from './icon';
import { usePrimeNG } from './primeng';

let created = 0;

/** A labelled input with its hint and error. */
@Component({
  selector: 'app-text-field',
  imports: [ReactiveFormsModule, InputText, Icon],
  template: `<div class="field">
    <label [attr.for]="id">{{ label() }}
      @if (optional()) {
        <span class="muted">({{ t().common.optional }})</span>
      }
    </label>
    <div class="box">
      @if (multiline()) {
        <textarea [id]="id" [formControl]="control()" [attr.aria-invalid]="!!error()" [attr.aria-describedby]="described()" rows="5"></textarea>
      } @else {
        <input pInputText [id]="id" [formControl]="control()" [type]="shown() ? 'text' : type()" [attr.autocomplete]="autocomplete() || null"
          [attr.inputmode]="inputmode() || null" [attr.aria-invalid]="!!error()" [attr.aria-describedby]="described()"
          [attr.aria-required]="!optional()" [attr.spellcheck]="type() === 'text' ? null : 'false'" [class.with-toggle]="type() === 'password'" />
      }
      @if (type() === 'password') {
        <button type="button" class="icon-btn" [attr.aria-pressed]="shown()" [attr.aria-label]="shown() ? t().account.hidePassword : t().account.showPassword" (click)="shown.set(!shown())">
          <app-icon name="eye" [size]="20" />
        </button>
      }
    </div>
    @if (hint()) {
      <p class="hint" [id]="id + '-hint'">{{ hint() }}</p>
    }
    @if (error()) {
      <p class="error" [id]="id + '-error'"><app-icon name="warn" [size]="16" />{{ error() }}</p>
    }
  </div>`,
  styles: `
    :host { display: block; min-width: 0; }
    .box { position: relative; }
    .box .icon-btn { position: absolute; right: 1px; top: 1px; border-radius: var(--r-control); }
    .box .icon-btn[aria-pressed='true'] { color: var(--brand); }
    .with-toggle { padding-right: 48px !important; }
  `,
  changeDetection: ChangeDetectionStrategy.OnPush,
})
export class TextField {
  readonly control = input.required<FormControl<string>>();
  readonly label = input.required<string>();
  readonly type = input<'text' | 'email' | 'password' | 'tel' | 'number'>('text');
  readonly autocomplete = input('');
  readonly inputmode = input('');
  readonly hint = input('');
  readonly optional = input(false);
  readonly multiline = input(false);
  protected readonly t = texts();
  protected readonly id = `field-${++created}`;
  protected readonly shown = signal(false);
  private readonly version = signal(0);

  protected readonly error = computed<string | null>(() => {
    this.version();
    const { errors, touched } = this.control();
    if (!errors || !touched) return null;
    const { form } = this.t();
    if (errors['server']) return String(errors['server']);
    if (errors['required']) return form.required(this.label());
    if (errors['email']) return form.email;
    if (errors['minlength']) return form.minLength(errors['minlength'].requiredLength as number);
    if (errors['maxlength']) return form.maxLength(errors['maxlength'].requiredLength as number);
    return form.invalid;
  });
  protected readonly described = computed(() => {
    const ids = [this.hint() ? `${this.id}-hint` : '', this.error() ? `${this.id}-error` : ''].filter(Boolean);
    return ids.length > 0 ? ids.join(' ') : null;
  });

  constructor() {
    usePrimeNG();
    let events: Subscription | undefined;
    effect(() => {
      events?.unsubscribe();
      events = this.control().events.subscribe(() => this.version.update((n) => n + 1));
    });
    inject(DestroyRef).onDestroy(() => events?.unsubscribe());
  }
}
