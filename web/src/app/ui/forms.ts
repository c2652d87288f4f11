import type { FormGroup } from '@angular/forms';
import type { Failure } from '../api/problem';

/** Returns true if `form` may be sent; else shows its errors and moves the focus to the first wrong field. */
export function checkForm(form: FormGroup, host: HTMLElement): boolean {
  form.markAllAsTouched();
  for (const control of Object.values(form.controls)) {
    // An answer's errors belong to the values that were sent.
    if (control.hasError('server')) control.updateValueAndValidity();
  }
  if (form.valid) return true;
  focusFirstError(host);
  return false;
}

/** Puts the fields that a failure names into `form`. Returns true if each has a control. */
export function showFieldErrors(form: FormGroup, failure: Failure, host: HTMLElement): boolean {
  let all = failure.fields.length > 0;
  for (const { field, message } of failure.fields) {
    const control = form.get(field.split('.').at(-1) ?? field);
    if (control) {
      control.setErrors({ server: sentence(message) });
      control.markAsTouched();
    } else {
      all = false;
    }
  }
  if (failure.fields.length > 0) focusFirstError(host);
  return all;
}

function focusFirstError(host: HTMLElement): void {
  // After the next rendering, which marks the fields.
  setTimeout(() => host.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus());
}

function sentence(text: string): string {
  return text ? text.charAt(0).toUpperCase() + text.slice(1) : text;
}
