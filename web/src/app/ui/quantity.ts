import { ChangeDetectionStrategy, Component, computed, inject, input, output } from '@angular/core';
import { texts } from '../i18n/i18n';
import { Announcer } from './announcer';
import { Icon } from './icon';

/** A quantity with buttons for fewer and more. */
@Component({
  selector: 'app-quantity',
  imports: [Icon],
  template: `<div class="quantity" role="group" [attr.aria-label]="label() || t().product.quantity">
    <button type="button" class="icon-btn" [attr.aria-label]="fewerLabel() || t().product.fewer" [attr.aria-disabled]="value() <= 1" (click)="set(value() - 1)">
      <app-icon name="minus" [size]="18" />
    </button>
    <output class="num">{{ value() }}</output>
    <button type="button" class="icon-btn" [attr.aria-label]="moreLabel() || t().product.moreOne" [attr.aria-disabled]="value() >= max()" (click)="set(value() + 1)">
      <app-icon name="plus" [size]="18" />
    </button>
  </div>`,
  styles: `
    .quantity { display: inline-flex; align-items: center; border: 1px solid var(--line-strong); border-radius: 999px; background: var(--surface); }
    output { min-width: 2.5ch; text-align: center; font-weight: 500; }
    [aria-disabled='true'] { color: var(--line-strong); }
  `,
  changeDetection: ChangeDetectionStrategy.OnPush,
})
export class Quantity {
  readonly value = input.required<number>();
  readonly stock = input<number | null | undefined>();
  readonly label = input('');
  readonly fewerLabel = input('');
  readonly moreLabel = input('');
  readonly changed = output<number>();
  protected readonly t = texts();
  protected readonly max = computed(() => Math.max(1, Math.min(this.stock() ?? 99, 99)));
  private readonly announcer = inject(Announcer);

  protected set(quantity: number): void {
    if (quantity < 1) return;
    if (quantity > this.max()) {
      this.announcer.say(this.t().product.maxReached(this.max()));
      return;
    }
    this.changed.emit(quantity);
    this.announcer.say(`${this.t().product.quantity}: ${quantity}`);
  }
}
