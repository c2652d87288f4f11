import { ChangeDetectionStrategy, Component, ElementRef, computed, effect, inject, linkedSignal, signal, untracked } from '@angular/core';
import type { ValidatorFn } from '@angular/forms';
import { FormControl, FormGroup, ReactiveFormsModule, Validators } from '@angular/forms';
import { Router, RouterLink } from '@angular/router';
import type { ShippingAddress } from '../../api/types';
import { MoneyPipe } from '../../i18n/format';
import { I18n } from '../../i18n/i18n';
import { Session } from '../../session/session';
import { CartStore } from '../../stores/cart-store';
import { ShopStore } from '../../stores/shop-store';
import { Countdown } from '../../ui/countdown';
import { Empty } from '../../ui/empty';
import { Errors } from '../../ui/errors';
import { Failed } from '../../ui/failed';
import { checkForm, showFieldErrors } from '../../ui/forms';
import { Icon } from '../../ui/icon';
import { SkeletonLines } from '../../ui/lines';
import { Picture } from '../../ui/picture';
import { RegisterForm } from '../../ui/register-form';
import { SignInForm } from '../../ui/sign-in-form';
import { TextField } from '../../ui/text-field';
import { countriesIn, hasPostalCode, likelyCountry } from '../countries';
import type { PaymentTerms } from './checkout-store';
import { CheckoutStore } from './checkout-store';

type Step = 'who' | 'address' | 'review';
const STEPS: readonly Step[] = ['who', 'address', 'review'];
const text = (...validators: ValidatorFn[]) => new FormControl('', { nonNullable: true, validators });

@Component({
  selector: 'app-checkout-page',
  imports: [ReactiveFormsModule, RouterLink, Empty, Failed, Icon, MoneyPipe, Picture, RegisterForm, SignInForm, SkeletonLines, TextField],
  providers: [CheckoutStore, Countdown],
  templateUrl: './checkout-page.html',
  styleUrl: './checkout-page.css',
  changeDetection: ChangeDetectionStrategy.OnPush,
})
export class CheckoutPage {
  protected readonly i18n = inject(I18n);
  protected readonly t = this.i18n.t;
  protected readonly session = inject(Session);
  protected readonly cart = inject(CartStore);
  protected readonly store = inject(CheckoutStore);
  protected readonly errors = inject(Errors);
  protected readonly countdown = inject(Countdown);
  private readonly shop = inject(ShopStore);
  private readonly router = inject(Router);
  private readonly host = inject<ElementRef<HTMLElement>>(ElementRef);

  protected readonly steps = STEPS;
  protected readonly hasAccount = signal(false);
  protected readonly terms = signal<PaymentTerms>('prepaid');
  /** Honest before the order is placed: the payment page takes the cards of the sandbox only. */
  protected readonly cardHint = computed(() => {
    const provider = this.shop.facts()?.paymentProvider;
    return provider && provider !== 'sandbox' ? this.t().pay.otherTitle : this.t().checkout.prepaidHint;
  });
  protected readonly address = signal<ShippingAddress | null>(null);
  protected readonly isLastAddress = signal(false);
  private readonly addressRead = signal(false);
  protected readonly step = linkedSignal<boolean, Step>({
    source: () => this.session.isCustomer(),
    computation: (isCustomer) => (isCustomer ? 'address' : 'who'),
  });
  protected readonly isLoading = computed(
    () => !this.session.isKnown() || (!!this.session.user() && !this.cart.isLoaded() && !this.cart.failure()) || (this.session.isCustomer() && !this.addressRead()),
  );
  protected readonly countries = computed(() => countriesIn(this.i18n.language()));
  protected readonly countryName = computed(() => this.countries().find(({ code }) => code === this.address()?.country)?.name ?? '');
  protected readonly needsPostalCode = signal(true);
  protected readonly form = new FormGroup({
    name: text(Validators.required, Validators.maxLength(200)),
    line1: text(Validators.required, Validators.maxLength(200)),
    line2: text(Validators.maxLength(200)),
    postalCode: text(Validators.required, Validators.maxLength(20)),
    city: text(Validators.required, Validators.maxLength(100)),
    country: text(Validators.required),
    phone: text(Validators.maxLength(40)),
  });

  constructor() {
    void this.shop.loadFacts();
    void this.cart.reload();
    const { country, postalCode } = this.form.controls;
    country.valueChanges.subscribe((code) => {
      this.needsPostalCode.set(hasPostalCode(code));
      postalCode.setValidators(hasPostalCode(code) ? [Validators.required, Validators.maxLength(20)] : [Validators.maxLength(20)]);
      postalCode.updateValueAndValidity();
    });
    country.setValue(likelyCountry(navigator.languages));
    effect(() => {
      if (this.session.isCustomer()) untracked(() => void this.readAddress());
    });
    effect(() => this.countdown.start(this.store.failure()?.retryAfter ?? 0));
  }

  protected isDone(step: Step): boolean {
    return STEPS.indexOf(step) < STEPS.indexOf(this.step());
  }

  protected go(step: Step): void {
    this.store.clear();
    this.step.set(step);
    // The heading of the step is what changed.
    setTimeout(() => this.host.nativeElement.querySelector<HTMLElement>('.step h2')?.focus());
  }

  protected toReview(): void {
    if (!checkForm(this.form, this.host.nativeElement)) return;
    const value = this.form.getRawValue();
    const filled = Object.entries(value)
      .map(([name, entry]) => [name, entry.trim()] as const)
      .filter(([, entry]) => entry !== '');
    this.address.set(Object.fromEntries(filled) as unknown as ShippingAddress);
    this.isLastAddress.set(false);
    this.go('review');
  }

  protected async place(): Promise<void> {
    const address = this.address();
    if (!address || this.countdown.left() > 0) return;
    const order = await this.store.place(address, this.terms());
    if (order) {
      const path = order.paymentTerms === 'prepaid' && order.status === 'confirmed' ? ['/orders', order.orderId, 'pay'] : ['/orders', order.orderId];
      void this.router.navigate(path, { replaceUrl: true });
      return;
    }
    const failure = this.store.failure();
    if (failure?.fields.some(({ field }) => field.startsWith('shippingAddress'))) {
      this.step.set('address');
      setTimeout(() => showFieldErrors(this.form, failure, this.host.nativeElement));
    }
  }

  private async readAddress(): Promise<void> {
    const address = await this.store.lastAddress();
    if (address) {
      this.form.patchValue({ ...address, line2: address.line2 ?? '', phone: address.phone ?? '', postalCode: address.postalCode ?? '' });
      this.address.set(address);
      this.isLastAddress.set(true);
      this.step.set('review');
    }
    this.addressRead.set(true);
  }
}
