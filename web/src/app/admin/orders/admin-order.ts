import { ChangeDetectionStrategy, Component, ElementRef, computed, effect, inject, input, signal } from '@angular/core';
import { FormControl, FormGroup, ReactiveFormsModule, Validators } from '@angular/forms';
import { RouterLink } from '@angular/router';
import { Dialog } from 'primeng/dialog';
import type { Payment, TimelineEntry } from '../../api/types';
import { adminTexts } from '../../i18n/admin-texts';
import { Format, MoneyPipe, WhenPipe, parseAmount, plainAmount } from '../../i18n/format';
import { texts } from '../../i18n/i18n';
import { OrderFollow } from '../../stores/order-follow';
import { Empty } from '../../ui/empty';
import { Errors } from '../../ui/errors';
import { Failed } from '../../ui/failed';
import { checkForm } from '../../ui/forms';
import { SkeletonLines } from '../../ui/lines';
import { TextField } from '../../ui/text-field';
import { Toasts } from '../../ui/toasts';
import { AdminOrderStore } from './admin-order-store';
import { TONES } from './admin-orders';

const PAYMENT_TONES: Record<Payment['status'], string> = { processing: 'info', succeeded: 'ok', failed: 'bad', refunded: 'warn' };

@Component({
  selector: 'app-admin-order',
  imports: [ReactiveFormsModule, RouterLink, Dialog, Empty, Failed, MoneyPipe, SkeletonLines, TextField, WhenPipe],
  providers: [AdminOrderStore, OrderFollow],
  templateUrl: './admin-order.html',
  styles: `
    .timeline { display: grid; gap: 14px; }
    .timeline li { display: grid; gap: 2px; padding-left: 16px; border-left: 2px solid var(--line-strong); }
    .next { margin-top: 16px; }
  `,
  changeDetection: ChangeDetectionStrategy.OnPush,
})
export class AdminOrder {
  readonly id = input.required<string>();
  protected readonly a = adminTexts();
  protected readonly t = texts();
  protected readonly store = inject(AdminOrderStore);
  protected readonly tones = TONES;
  protected readonly paymentTones = PAYMENT_TONES;
  protected readonly dialog = signal<'ship' | 'cancel' | null>(null);
  protected readonly refunding = signal<Payment | null>(null);
  protected readonly shipment = new FormGroup({
    carrier: new FormControl('', { nonNullable: true, validators: [Validators.required, Validators.maxLength(100)] }),
    trackingNumber: new FormControl('', { nonNullable: true, validators: [Validators.required, Validators.maxLength(100)] }),
  });
  protected readonly refund = new FormGroup({ amount: new FormControl('', { nonNullable: true, validators: [Validators.required] }) });
  private readonly format = inject(Format);
  private readonly errors = inject(Errors);
  private readonly toasts = inject(Toasts);
  private readonly host = inject<ElementRef<HTMLElement>>(ElementRef);
  protected readonly timeline = computed(() => [...this.store.timeline()].reverse().map((entry) => ({ entry, detail: this.detailOf(entry) })));

  constructor() {
    effect(() => void this.store.open(Number(this.id())));
  }

  protected restOf(payment: Payment) {
    return { ...payment.amount, amount: payment.amount.amount - payment.refundedAmount.amount };
  }

  protected async ship(): Promise<void> {
    if (!checkForm(this.shipment, document.querySelector<HTMLElement>('.order-dialog') ?? this.host.nativeElement)) return;
    const { carrier, trackingNumber } = this.shipment.getRawValue();
    this.dialog.set(null);
    await this.act(() => this.store.ship(carrier.trim(), trackingNumber.trim()), this.a().orders.shipped);
  }

  protected async deliver(): Promise<void> {
    await this.act(() => this.store.deliver(), this.a().orders.delivered);
  }

  protected async cancel(): Promise<void> {
    this.dialog.set(null);
    await this.act(() => this.store.cancel(), this.a().orders.cancelled);
  }

  protected openRefund(payment: Payment): void {
    this.refund.reset({ amount: plainAmount(this.restOf(payment)) });
    this.refunding.set(payment);
  }

  protected async sendRefund(): Promise<void> {
    const payment = this.refunding();
    if (!payment) return;
    const { currency } = payment.amount;
    const amount = parseAmount(this.refund.controls.amount.value, currency);
    if (amount === null || amount <= 0 || amount > this.restOf(payment).amount) {
      this.refund.controls.amount.markAsTouched();
      this.refund.controls.amount.setErrors({ server: this.a().orders.refundHint(this.format.money(this.restOf(payment))) });
      return;
    }
    this.refunding.set(null);
    await this.act(() => this.store.refund(payment, { amount, currency }), this.a().orders.refunded);
  }

  private async act(run: () => Promise<void>, done: string): Promise<void> {
    try {
      await run();
      this.toasts.success(done);
    } catch (error) {
      this.errors.toast(error);
    }
  }

  private detailOf({ detail }: TimelineEntry): string {
    if (!detail) return '';
    const { failures, reasons } = this.a().orders;
    return [
      detail.amount ? this.format.money(detail.amount) : '',
      detail.carrier,
      detail.trackingNumber,
      detail.failureCode ? (failures[detail.failureCode] ?? detail.failureCode) : '',
      detail.reason ? reasons[detail.reason] : '',
    ]
      .filter(Boolean)
      .join(', ');
  }
}
