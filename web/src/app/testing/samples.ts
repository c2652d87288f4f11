// Answers of the services, in short.
import type { Account, Cart, CartItem, Category, Notice, Order, Payment, Product, ProductList, ShopFacts, TimelineEntry, Wish } from '../api/types';

export const eur = (amount: number) => ({ amount, currency: 'EUR' });
export const NOW = '2026-01-31T12:00:00.000Z';

export function product(change: Partial<Product> = {}): Product {
  return {
    productId: 11, sku: 'KIT-1', slug: 'kettle', name: 'Kettle', description: 'Boils water.', price: eur(4490), stock: 12, categoryId: 5, brand: 'Harrow & Pell',
    groupId: 11, groupName: change.name ?? 'Kettle', options: [], tags: [], imageUrl: '/pictures/kettle.svg', pictures: [{ url: '/pictures/kettle.svg', alt: '' }],
    attributes: { Weight: '900 g', Barcode: '2004681355051' }, lowStockAt: 5, createdAt: NOW, updatedAt: NOW, ...change,
  };
}

export function productList(items: Product[]): ProductList {
  const categories = [{ categoryId: 5, parentId: null, slug: 'kitchen', name: 'Kitchen', count: items.length }];
  return { items, page: 0, size: 24, total: items.length, facets: { options: [], categories, inStock: items.length, brands: [{ brand: 'Harrow & Pell', count: items.length }], price: { min: eur(100), max: eur(9000) } } };
}

export const category = (change: Partial<Category> = {}): Category => ({ categoryId: 5, parentId: null, slug: 'kitchen', name: 'Kitchen', position: 0, ...change }) as Category;

export function cartItem(change: Partial<CartItem> = {}): CartItem {
  return {
    cartItemId: 'c1', productId: 11, name: 'Kettle', slug: 'kettle', imageUrl: '/pictures/kettle.svg', price: eur(4490), priceWhenAdded: eur(4490), stock: 12, quantity: 2,
    state: 'active', available: true, expiryTime: '2026-02-01T12:00:00.000Z', ...change,
  };
}

export function cart(items: CartItem[]): Cart {
  const amount = items.filter((item) => item.state === 'active').reduce((sum, item) => sum + item.quantity * item.price.amount, 0);
  return { userId: 7, items, subtotal: eur(amount), now: NOW };
}

export function order(change: Partial<Order> = {}): Order {
  return {
    orderId: 42, userId: 7, orderDate: NOW, status: 'confirmed', totalAmount: eur(8980), paymentTerms: 'prepaid', version: 2, payBy: '2026-01-31T12:30:00.000Z',
    items: [{ orderItemId: 1, productId: 11, name: 'Kettle', quantity: 2, price: eur(4490) }],
    shippingAddress: { name: 'Ada Byron', line1: '12 Analytical Row', city: 'Lyon', postalCode: '69001', country: 'FR' }, ...change,
  } as Order;
}

export const step = (name: TimelineEntry['step'], detail: TimelineEntry['detail'] = null): TimelineEntry => ({ step: name, at: NOW, cause: `${name}-1`, detail }) as TimelineEntry;

export function payment(change: Partial<Payment> = {}): Payment {
  return { paymentId: 9, orderId: 42, userId: 7, status: 'succeeded', paymentDate: NOW, amount: eur(8980), refundedAmount: eur(0), ...change } as Payment;
}

export const notice = (change: Partial<Notice> = {}): Notice =>
  ({ notificationId: 3, kind: 'order_paid', language: 'en', title: 'Payment received', body: 'Thank you.', link: '/orders/42', facts: {}, createdAt: NOW, readAt: null, ...change }) as Notice;

export const wish = (change: Partial<Wish> = {}): Wish =>
  ({ productId: 11, name: 'Kettle', slug: 'kettle', imageUrl: null, price: eur(4490), priceWhenAdded: null, stock: 3, available: true, addedAt: NOW, ...change }) as Wish;

export const account = (change: Partial<Account> = {}): Account => ({ userId: 7, username: 'ada', email: 'ada@example.com', role: 'customer', language: 'en', locked: false, createdAt: NOW, ...change }) as Account;

export const page = <T>(items: T[]) => ({ items, page: 0, size: 20, total: items.length, totalIsExact: true });

export const shopFacts = (change: Partial<ShopFacts> = {}): ShopFacts => ({
  name: 'Souk', currency: 'EUR', timeZone: 'UTC', languages: ['en', 'de'], paymentProvider: 'sandbox', sendsMail: false, testClock: true,
  testCards: [{ token: 'tok_visa', description: 'Pays.' }, { token: 'tok_declined', description: 'Is declined.' }, { token: 'tok_new', description: 'Does something new.' }], ...change,
});
