import { showPage } from '../../testing/page';
import { cart, cartItem, order, page, shopFacts } from '../../testing/samples';
import { CheckoutPage } from './checkout-page';

describe('the choice of payment at the checkout', () => {
  const show = async (paymentProvider: string) => {
    const shown = await showPage(CheckoutPage, [
      [/GET \/api\/shop/, { body: shopFacts({ paymentProvider }) }],
      [/GET \/api\/cart/, { body: cart([cartItem()]) }],
      [/GET \/api\/orders/, { body: page([order()]) }],
    ]);
    shown.element.querySelector('form')?.requestSubmit();
    await shown.settle();
    return shown;
  };
  const terms = (element: HTMLElement) => element.querySelector('.terms')?.textContent ?? '';

  it('says what paying by card means', async () => {
    expect(terms((await show('sandbox')).element)).toContain('We set everything aside for you first; then you pay.');
  });

  it('says before the order that cards of another provider cannot be entered here', async () => {
    const { element } = await show('stripe');
    expect(terms(element)).toContain('Cards cannot be entered on this page');
    expect(element.querySelectorAll('.terms input')).toHaveLength(2);
  });
});
