import type { Answer } from '../../testing/page';
import { showPage } from '../../testing/page';
import { cart, order, page, shopFacts } from '../../testing/samples';
import { PaymentPage } from './payment-page';

describe('the cards of the payment page', () => {
  const show = (shop: Answer) =>
    showPage(PaymentPage, [[/\/api\/shop/, shop], [/orders\/42/, { body: order() }], [/payments/, { body: page([]) }], [/cart/, { body: cart([]) }]], { inputs: { id: '42' } });

  it('are those that the shop names, with its own words where the page has none', async () => {
    const shown = await show({ body: shopFacts() });
    const cards = [...shown.element.querySelectorAll('.cards label')].map((label) => label.textContent.replace(/\s+/g, ' ').trim());
    expect(cards).toEqual(['Visa ending in 4242Pays at once', 'Declined cardThe bank says no', 'tok_newDoes something new.']);
    expect(shown.element.querySelector<HTMLInputElement>('[value="tok_visa"]')?.checked).toBe(true);
  });

  it('are absent with another provider, which is said', async () => {
    const shown = await show({ body: shopFacts({ paymentProvider: 'stripe', testCards: [] }) });
    expect(shown.text()).toContain('Cards cannot be entered on this page');
    expect(shown.text()).toContain('This shop charges cards through Stripe');
    expect(shown.text()).not.toMatch(/test (?:shop|card)/i);
    expect(shown.element.querySelector('form, .cards, button')).toBeNull();
    expect(shown.element.querySelector('a.btn')?.getAttribute('href')).toBe('/orders/42');
  });

  it('load, and can be asked for again while payment is away', async () => {
    expect((await show('pending')).element.querySelector('app-skeleton-lines')).not.toBeNull();
  });

  it('appear once payment is back', async () => {
    const shown = await show({ body: shopFacts({ paymentProvider: null, testCards: [] }) });
    expect(shown.element.querySelector('[role="alert"]')?.textContent).toContain('cannot be reached');
    shown.requests.answer = [[/\/api\/shop/, { body: shopFacts() }]];
    [...shown.element.querySelectorAll('button')].find((button) => button.textContent.includes('Try again'))?.click();
    await shown.settle();
    expect(shown.element.querySelectorAll('.cards label')).toHaveLength(3);
  });
});
