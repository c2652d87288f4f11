import { TestBed } from '@angular/core/testing';
import { NoticesPage } from '../account/notices-page/notices-page';
import { BuyAgainPage } from '../cart/buy-again-page/buy-again-page';
import { CartPage } from '../cart/cart-page/cart-page';
import { WishlistPage } from '../cart/wishlist-page/wishlist-page';
import { CatalogPage } from '../catalog/catalog-page/catalog-page';
import { Home } from '../catalog/home/home';
import { ProductPage } from '../catalog/product-page/product-page';
import { CheckoutPage } from '../checkout/checkout-page/checkout-page';
import { PaymentPage } from '../checkout/payment-page/payment-page';
import { OrderList } from '../orders/order-list/order-list';
import { OrderPage } from '../orders/order-page/order-page';
import { I18n } from '../i18n/i18n';
import type { Backend } from './page';
import { showPage } from './page';
import { NOW, cart, cartItem, category, eur, notice, order, page, payment, product, productList, shopFacts, step, wish } from './samples';
import { describeStates } from './states';

const categories = [/GET \/api\/categories/, { body: page([category()]) }] as const;
const noCart = [/GET \/api\/cart/, { body: cart([]) }] as const;
const final = order({ status: 'cancelled', cancelReason: 'customer' });

describeStates('home', {
  page: Home,
  reads: /GET \/api\/products/,
  empty: { backend: [[/GET \/api\/products/, { body: productList([]) }]], says: 'The shelves are still empty' },
  data: { backend: [categories, [/GET \/api\/products/, { body: productList([product()]) }]], says: ['Kettle', '€44.90', 'Harrow & Pell', '1 product'] },
});

describeStates('catalogue', {
  page: CatalogPage,
  inputs: { slug: undefined },
  reads: /GET \/api\/products/,
  empty: { backend: [[/GET \/api\/products/, { body: productList([]) }]], says: 'Nothing matches' },
  data: { backend: [categories, [/GET \/api\/products/, { body: productList([product()]) }]], says: ['All products', 'Kettle', '1 product', 'Harrow & Pell'] },
});

describeStates('product', {
  page: ProductPage,
  inputs: { slug: 'kettle' },
  reads: /by-slug/,
  empty: { backend: [], says: 'This product is no longer here' },
  data: {
    backend: [categories, [/by-slug\/kettle/, { body: product({ stock: 3 }) }], [/GET \/api\/products\/11\/related/, { body: page([product({ productId: 12, slug: 'pot', name: 'Pot' })]) }]],
    says: ['Kettle', 'only 3 left', 'Boils water.', '900 g', 'Pot'],
  },
});

describeStates('cart', {
  page: CartPage,
  reads: /GET \/api\/cart/,
  empty: { backend: [noCart], says: 'Your cart is empty' },
  data: { backend: [[/GET \/api\/cart/, { body: cart([cartItem(), cartItem({ cartItemId: 'c2', state: 'ordered', orderId: 42, name: 'Pan' })]) }]], says: ['Kettle', '€89.80', 'another 24 hours', 'Ordered, waiting for payment', 'Pan'] },
});

describeStates('wishlist', {
  page: WishlistPage,
  reads: /GET \/api\/wishlist/,
  empty: { backend: [noCart, [/GET \/api\/wishlist/, { body: { items: [] } }]], says: 'Your wishlist is empty' },
  data: { backend: [noCart, [/GET \/api\/wishlist/, { body: { items: [wish()] } }]], says: ['Kettle', 'Move to cart'] },
});

describeStates('buy again', {
  page: BuyAgainPage,
  reads: /GET \/api\/cart\/purchases/,
  empty: { backend: [[/GET \/api\/cart\/purchases/, { body: page([]) }], noCart], says: 'Nothing here yet' },
  data: {
    backend: [[/GET \/api\/cart\/purchases/, { body: page([cartItem({ state: 'purchased', expiryTime: null, purchasedAt: NOW })]) }], noCart],
    says: ['Kettle', 'Last bought on 31 January 2026', 'Add to cart'],
  },
});

describeStates('checkout', {
  page: CheckoutPage,
  reads: /GET \/api\/cart/,
  empty: { backend: [noCart, [/GET \/api\/orders/, { body: page([]) }]], says: 'There is nothing to check out' },
  data: { backend: [[/GET \/api\/cart/, { body: cart([cartItem()]) }], [/GET \/api\/orders/, { body: page([]) }]], says: ['Where shall we send it?', 'Kettle', '€89.80'] },
});

const paying: Backend = [[/GET \/api\/shop/, { body: shopFacts() }], [/GET \/api\/orders\/42/, { body: order() }], [/GET \/api\/payments/, { body: page([]) }], noCart];
describeStates('payment', {
  page: PaymentPage,
  inputs: { id: '42' },
  reads: /GET \/api\/orders\/42/,
  empty: { backend: [[/GET \/api\/orders\/42/, { status: 404, code: 'order.not_found' }], [/GET \/api\/payments/, { body: page([payment()]) }], noCart], says: 'We cannot find this order' },
  data: { backend: paying, says: ['Pay for your order', '€89.80', 'This is a test shop', 'Declined card'] },
});

describeStates('orders', {
  page: OrderList,
  reads: /GET \/api\/orders/,
  empty: { backend: [[/GET \/api\/orders/, { body: page([]) }]], says: 'No orders yet' },
  data: { backend: [[/GET \/api\/orders/, { body: page([order()]) }]], says: ['Waiting for payment', 'Kettle', '€89.80', 'Pay now'] },
});

describeStates('order', {
  page: OrderPage,
  inputs: { id: '42' },
  reads: /GET \/api\/orders\/42$/,
  empty: { backend: [[/GET \/api\/orders\/42$/, { status: 404, code: 'order.not_found' }], [/timeline/, { body: page([]) }], noCart], says: 'We cannot find this order' },
  data: { backend: [[/GET \/api\/orders\/42$/, { body: final }], [/timeline/, { body: page([step('created'), step('cancelled', { reason: 'customer' } as never)]) }], noCart], says: ['Order 42', 'Cancelled', 'You cancelled it.', 'Order received', 'Lyon'] },
});

describe('the lines of an order', () => {
  it('have the pictures that their products have now', async () => {
    const shown = await showPage(
      OrderPage,
      [[/GET \/api\/products\?ids=11$/, { body: page([product()]) }], [/GET \/api\/orders\/42$/, { body: final }], [/timeline/, { body: page([]) }], noCart],
      { inputs: { id: '42' } },
    );
    expect(shown.element.querySelector('.lines img')?.getAttribute('src')).toBe('/pictures/kettle.svg');
  });
});

describeStates('notices', {
  page: NoticesPage,
  reads: /GET \/api\/notifications/,
  empty: { backend: [[/GET \/api\/notifications/, { body: page([]) }]], says: 'Nothing new' },
  data: { backend: [[/GET \/api\/notifications/, { body: page([notice()]) }]], says: ['Payment received', 'Thank you.', 'New'] },
});

describe('notices in German', () => {
  afterEach(() => TestBed.inject(I18n).use('en'));

  it('say what happened with the values of the notice, and without them what their kind says', async () => {
    const shipped = notice({ kind: 'order_shipped', facts: { orderId: 42, carrier: 'DHL', trackingNumber: '0034' } });
    const dropped = notice({ notificationId: 4, kind: 'price_dropped', facts: { productId: 11, productName: 'Kessel', price: eur(3990), oldPrice: eur(4490) } });
    const earlier = notice({ notificationId: 5, kind: 'order_delivered' });
    const shown = await showPage(NoticesPage, [[/GET \/api\/notifications/, { body: page([shipped, dropped, earlier]) }]]);
    await TestBed.inject(I18n).use('de');
    await shown.settle();
    expect(shown.text()).toContain('Bestellung 42 kommt mit DHL. Die Sendungsnummer ist 0034.');
    expect(shown.text().replaceAll('\u00a0', ' ')).toContain('Kessel kostet 39,90 € statt 44,90 €.');
    expect(shown.text()).toContain('Ihre Bestellung ist da. Viel Freude damit!');
  });

  it('keep the text of the shop if it is German, which an English page writes in English', async () => {
    const german = notice({ kind: 'order_shipped', language: 'de', title: 'Ihre Bestellung 42 ist unterwegs', body: 'Sie kommt mit DHL.', facts: { orderId: 42, carrier: 'DHL', trackingNumber: '0034' } });
    const older = { ...notice({ notificationId: 5, title: 'Paid', body: 'Thanks.' }), language: undefined as never };
    const shown = await showPage(NoticesPage, [[/GET \/api\/notifications/, { body: page([german, older]) }]]);
    expect(shown.text()).toContain('On its way');
    expect(shown.text()).toContain('Order 42 is coming with DHL. The tracking number is 0034.');
    expect(shown.text()).toContain('Thanks.');
    expect(shown.text()).not.toContain('Bestellung');
    await TestBed.inject(I18n).use('de');
    await shown.settle();
    expect(shown.text()).toContain('Ihre Bestellung 42 ist unterwegs');
    expect(shown.text()).toContain('Sie kommt mit DHL.');
    expect(shown.text()).not.toContain('Thanks.');
  });
});
