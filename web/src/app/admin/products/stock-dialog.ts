import { HttpClient } from '@angular/common/http';
import { ChangeDetectionStrategy, Component, ElementRef, computed, inject, input, output, signal } from '@angular/core';
import { toSignal } from '@angular/core/rxjs-interop';
import { FormControl, FormGroup, ReactiveFormsModule, Validators } from '@angular/forms';
import { Dialog } from 'primeng/dialog';
import { firstValueFrom } from 'rxjs';
import { answered, keyFor } from '../../api/keys';
import { failureOf } from '../../api/problem';
import type { Product } from '../../api/types';
import { adminTexts } from '../../i18n/admin-texts';
import { texts } from '../../i18n/i18n';
import { Errors } from '../../ui/errors';
import { checkForm } from '../../ui/forms';
import { TextField } from '../../ui/text-field';
import { Toasts } from '../../ui/toasts';

const WHOLE = /^\s*[+-]?[0-9]{1,7}\s*$/;

/** Changes the stock of a product by a difference, with a reason for the ledger. */
@Component({
  selector: 'app-stock-dialog',
  imports: [ReactiveFormsModule, Dialog, TextField],
  template: `<p-dialog [visible]="true" (visibleChange)="$event || closed.emit()" [header]="a().products.adjustOf(product().name)" [modal]="true" [draggable]="false" [closeAriaLabel]="t().common.close" styleClass="stock-dialog">
    <form id="stock-form" class="stack" [formGroup]="form" (ngSubmit)="save()" novalidate>
      <p>{{ a().products.now(product().stock) }}</p>
      <app-text-field [control]="form.controls.delta" [label]="a().products.delta" inputmode="text" [hint]="a().products.deltaHint" />
      <app-text-field [control]="form.controls.reason" [label]="a().products.reason" />
      @if (after() !== null) {
        <p class="strong num" role="status">{{ a().products.after(after()!) }}</p>
      }
    </form>
    <ng-template #footer>
      <button type="button" class="btn quiet" (click)="closed.emit()">{{ t().common.cancel }}</button>
      <button type="submit" form="stock-form" class="btn" [attr.aria-busy]="isBusy()">{{ t().common.save }}</button>
    </ng-template>
  </p-dialog>`,
  changeDetection: ChangeDetectionStrategy.OnPush,
})
export class StockDialog {
  readonly product = input.required<Product>();
  readonly closed = output();
  readonly adjusted = output<Product>();
  protected readonly a = adminTexts();
  protected readonly t = texts();
  protected readonly isBusy = signal(false);
  protected readonly form = new FormGroup({
    delta: new FormControl('', { nonNullable: true, validators: [Validators.required, Validators.pattern(WHOLE)] }),
    reason: new FormControl('', { nonNullable: true, validators: [Validators.required, Validators.maxLength(200)] }),
  });
  private readonly delta = toSignal(this.form.controls.delta.valueChanges, { initialValue: '' });
  protected readonly after = computed(() => (WHOLE.test(this.delta()) ? this.product().stock + Number(this.delta()) : null));
  private readonly http = inject(HttpClient);
  private readonly errors = inject(Errors);
  private readonly toasts = inject(Toasts);
  private readonly host = inject<ElementRef<HTMLElement>>(ElementRef);

  protected async save(): Promise<void> {
    const { delta, reason } = this.form.getRawValue();
    if (Number(delta) === 0) this.form.controls.delta.setErrors({ server: this.a().products.deltaWrong });
    if (this.isBusy() || !checkForm(this.form, document.querySelector<HTMLElement>('.stock-dialog') ?? this.host.nativeElement)) return;
    const { productId } = this.product();
    const body = { delta: Number(delta), reason: reason.trim() };
    const act = `stock.${productId}`;
    this.isBusy.set(true);
    try {
      const headers = { 'Idempotency-Key': keyFor(act, body) };
      const product = await firstValueFrom(this.http.post<Product>(`/api/products/${productId}/stock`, body, { headers }));
      answered(act);
      this.toasts.success(this.a().products.adjusted(product.name, product.stock));
      this.adjusted.emit(product);
    } catch (error) {
      const { status } = failureOf(error);
      if (status >= 400 && status < 500) answered(act);
      this.errors.toast(error);
    } finally {
      this.isBusy.set(false);
    }
  }
}
