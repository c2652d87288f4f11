import { ChangeDetectionStrategy, Component, computed, input } from '@angular/core';
import type { Order } from '../api/types';
import { texts } from '../i18n/i18n';

const TONES: Record<Order['status'], string> = { created: 'info', confirmed: 'warn', paid: 'ok', shipped: 'info', delivered: 'ok', cancelled: 'bad' };

/** The status of an order in the shopper's words. */
@Component({
  selector: 'app-order-status',
  template: `<span [class]="'tag ' + tone()">{{ label() }}</span>`,
  changeDetection: ChangeDetectionStrategy.OnPush,
})
export class OrderStatusTag {
  readonly order = input.required<Pick<Order, 'status' | 'paymentTerms'>>();
  private readonly t = texts();
  protected readonly label = computed(() => {
    const { status, paymentTerms } = this.order();
    const { orders } = this.t();
    return status === 'confirmed' && paymentTerms === 'onDelivery' ? orders.confirmedOnDelivery : orders.status[status];
  });
  protected readonly tone = computed(() => (this.order().status === 'confirmed' && this.order().paymentTerms === 'onDelivery' ? 'info' : TONES[this.order().status]));
}
