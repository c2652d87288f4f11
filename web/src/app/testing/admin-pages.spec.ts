import { CategoriesPage } from '../admin/categories/categories-page';
import { CustomersPage } from '../admin/customers/customers-page';
import { Dashboard } from '../admin/dashboard/dashboard';
import { DeadLettersPage } from '../admin/dead-letters/dead-letters-page';
import { MailsPage } from '../admin/notices/mails-page';
import { BreakersPage } from '../admin/operations/breakers-page';
import { ServicesPage } from '../admin/operations/services-page';
import { AdminOrder } from '../admin/orders/admin-order';
import { AdminOrders } from '../admin/orders/admin-orders';
import { AdminProducts } from '../admin/products/admin-products';
import { ProductEditor } from '../admin/products/product-editor';
import type { Backend } from './page';
import { ADMIN, showPage } from './page';
import { NOW, account, category, eur, order, page, payment, product, productList, shopFacts, step } from './samples';
import { describeStates } from './states';

const user = ADMIN;
const day = { date: '2026-01-31', created: 3, confirmed: 3, paid: 2, cancelled: 1, revenue: eur(12345) };
const sums = { succeeded: 2, failed: 1, processing: 0, refunds: 0, capturedAmount: eur(12345), refundedAmount: eur(0) };
const breaker = { service: 'cart', instance: 'http://10.0.0.5:8084', name: 'order', state: 'OPEN', failureRate: 50, slowCallRate: -1, bufferedCalls: 20, failedCalls: 10, slowCalls: 0, notPermittedCalls: 4 };
const mail = { mailId: 3, userId: 7, kind: 'welcome', to: 'ada@example.com', subject: 'Welcome', status: 'sent', attempts: 1, createdAt: NOW, sentAt: NOW };
const letter = { deadLetterId: '0190', service: 'product', queue: 'product.orders', event: 'order.created.v1', subject: '42', attempts: 6, error: 'no such product', diedAt: NOW };
const instance = { instanceId: 'i', url: 'http://10.0.0.5:8083', status: 'STARTING', registeredAt: NOW, renewedAt: NOW };
const services = [
  { name: 'order', status: 'DOWN', error: 'no engine', instances: [instance] },
  { name: 'reports', status: null, instances: [] },
];
const variant = (productId: number) => ({ productId, slug: `p${productId}`, options: [], price: eur(100), stock: 1 });
const facts = [/GET \/api\/shop/, { body: shopFacts() }] as const;
const cancelled = order({ status: 'cancelled' });

describeStates('admin orders', {
  page: AdminOrders,
  user,
  reads: /GET \/api\/orders/,
  empty: { backend: [[/GET \/api\/orders/, { body: page([]) }]], says: 'Nothing here' },
  data: { backend: [[/GET \/api\/orders/, { body: page([order({ status: 'paid' })]) }]], says: ['42', 'Ada Byron', 'Paid', '€89.80'] },
});

describe('admin orders', () => {
  it('finds orders by what is typed', async () => {
    const shown = await showPage(AdminOrders, [[/GET \/api\/orders/, { body: page([order()]) }]], { user });
    const field = shown.element.querySelector<HTMLInputElement>('#order-query')!;
    field.value = ' ada byr ';
    field.form?.requestSubmit();
    await shown.settle();
    expect(shown.requests.sent.at(-1)?.url).toContain('q=ada%20byr');
  });
});

describeStates('admin order', {
  page: AdminOrder,
  user,
  inputs: { id: '42' },
  reads: /GET \/api\/orders\/42$/,
  empty: { backend: [[/GET \/api\/payments/, { body: page([]) }]], says: 'There is no such order' },
  data: { backend: [[/GET \/api\/orders\/42$/, { body: cancelled }], [/timeline/, { body: page([step('cancelled')]) }], [/GET \/api\/payments/, { body: page([payment()]) }]], says: ['Succeeded', 'Refund', 'Lyon'] },
});

describeStates('admin products', {
  page: AdminProducts,
  user,
  reads: /GET \/api\/products/,
  empty: { backend: [[/GET \/api\/products/, { body: productList([]) }]], says: 'Nothing here' },
  data: { backend: [[/GET \/api\/products/, { body: productList([product()]) }]], says: ['Kettle', 'KIT-1', '€44.90', 'Export', 'Hidden products'] },
});

describeStates('product editor', {
  page: ProductEditor,
  user,
  inputs: { id: '11' },
  reads: /GET \/api\/products\/11/,
  empty: { backend: [[/GET \/api\/products\/11/, { status: 404, code: 'product.not_found' }]], says: 'no longer here' },
  data: { backend: [[/movements/, { body: page([]) }], [/GET \/api\/products\/11/, { body: product(), headers: { ETag: '"v1.12"' } }]], says: ['Kettle', 'Adjust stock', 'Hide product'] },
});

describe('product editor', () => {
  const show = (backend: Backend, inputs: Record<string, string>) => showPage(ProductEditor, [[/movements/, { body: page([]) }], ...backend], { user, inputs });
  const headers = { ETag: '"v1.12"' };

  it('shows what the product is, and what orders hold of it', async () => {
    const shown = await show([[/GET \/api\/products\/11/, { body: product({ tags: ['tea'], options: [{ name: 'Size', value: 'S' }], reserved: 4, sold: 5 }), headers }]], { id: '11' });
    expect(shown.text()).toContain('4 reserved, 5 sold');
    const values = [...shown.element.querySelectorAll<HTMLInputElement>('input')].map((field) => field.value);
    expect(values).toEqual(expect.arrayContaining(['Harrow & Pell', 'tea', 'Size', 'S', '44.90']));
  });

  it('begins a version with the values of another, and puts it into its group', async () => {
    const pan = product({ name: 'Pan – 20 cm', groupName: 'Pan', groupId: 9, options: [{ name: 'Size', value: '20 cm' }] });
    const shown = await show([[/GET \/api\/products\/11/, { body: pan, headers }], [/POST/, { body: product({ productId: 12 }) }]], { like: '11' });
    expect(shown.element.querySelector('h1')?.textContent).toContain('New version of Pan');
    const value = shown.element.querySelector<HTMLInputElement>('.option [formControlName="value"]')!;
    value.value = '26 cm';
    value.dispatchEvent(new Event('input'));
    shown.element.querySelector<HTMLButtonElement>('button[type="submit"]')?.click();
    await shown.settle();
    const body = shown.requests.sent.find(({ method }) => method === 'POST')?.body;
    expect(body).toMatchObject({ name: 'Pan – 26 cm', groupId: 9, options: [{ name: 'Size', value: '26 cm' }] });
  });

  it('says when the product that a version shall be like is gone', async () => {
    expect((await show([], { like: '99' })).text()).toContain('no longer here');
  });

  it('shows the version of somebody else where nothing was typed', async () => {
    const shown = await show([[/GET \/api\/products\/11/, { body: product({ groupId: 3, variants: [variant(11), variant(12)] }), headers }]], { id: '11' });
    shown.requests.answer = [[/PATCH/, { status: 412 }], [/GET \/api\/products\/11/, { body: product({ name: 'Theirs' }), headers }]];
    [...shown.element.querySelectorAll('button')].find((button) => button.textContent.includes('Separate'))?.click();
    await shown.settle();
    expect(shown.element.querySelector('h1')?.textContent).toBe('Theirs');
  });
});

describeStates('categories', {
  page: CategoriesPage,
  user,
  reads: /GET \/api\/categories/,
  empty: { backend: [[/GET \/api\/categories/, { body: page([]) }], [/products/, { body: productList([]) }]], says: 'No categories yet' },
  data: { backend: [[/GET \/api\/categories/, { body: page([category(), category({ categoryId: 6, parentId: 5, slug: 'pans', name: 'Pans' })]) }], [/products/, { body: productList([product()]) }]], says: ['Kitchen', 'Pans', '1 products'] },
});

describeStates('customers', {
  page: CustomersPage,
  user,
  reads: /GET \/api\/users/,
  empty: { backend: [[/GET \/api\/users/, { body: page([]) }]], says: 'Nothing here' },
  data: { backend: [[/GET \/api\/users/, { body: page([account()]) }]], says: ['ada@example.com', 'Customer'] },
});

describeStates('mails', {
  page: MailsPage,
  user,
  reads: /GET \/api\/notifications\/sent/,
  empty: { backend: [[/sent/, { body: page([]) }]], says: 'Nothing here' },
  data: { backend: [[/sent/, { body: page([mail]) }]], says: ['Welcome', 'Sent', 'Preview'] },
});

describeStates('dead letters', {
  page: DeadLettersPage,
  user,
  reads: /dead-letters/,
  empty: { backend: [[/dead-letters/, { body: page([]) }]], says: 'No dead letters' },
  data: { backend: [[/GET \/api\/admin\/dead-letters/, { body: page([letter]) }]], says: ['order.created.v1', '42', 'product.orders', 'no such product', 'Replay', '1 in total'] },
});

describe('dead letters', () => {
  it('are replayed by the service whose queue holds them, and the list is read again', async () => {
    const shown = await showPage(DeadLettersPage, [[/GET \/api\/admin\/dead-letters/, { body: page([letter]) }]], { user });
    shown.requests.answer = [[/POST/, { body: null }], [/dead-letters/, { body: page([]) }]];
    [...shown.element.querySelectorAll('button')].find((button) => button.textContent.startsWith('Replay'))?.click();
    await shown.settle();
    expect(shown.requests.sent.map(({ method, url }) => `${method} ${url}`)).toContain('POST /api/admin/product/dead-letters/0190/replay');
    expect(shown.text()).toContain('No dead letters');
  });
});

describeStates('breakers', {
  page: BreakersPage,
  user,
  reads: /breakers/,
  empty: { backend: [[/breakers/, { body: { ...page([]), missing: [] } }]], says: 'Nothing here' },
  data: { backend: [[/breakers/, { body: { ...page([breaker]), missing: ['payment'] } }]], says: ['cart → order', 'http://10.0.0.5:8084', 'Open, calls are refused', '50 %', 'too few calls', 'did not answer, their breakers are not known now: payment'] },
});

describeStates('services', {
  page: ServicesPage,
  user,
  reads: /services/,
  empty: { backend: [[/services/, { body: { ...page([]), registry: 'NONE' } }]], says: 'Nothing here' },
  data: { backend: [facts, [/services/, { body: { ...page(services), registry: 'UP' } }]], says: ['order', 'Down', 'no engine', 'http://10.0.0.5:8083', 'Starting', 'reports', 'not behind the gateway', 'sandbox', 'no money moves', 'test clock'] },
});

describe('services', () => {
  it('says that the registry does not answer', async () => {
    const shown = await showPage(ServicesPage, [facts, [/services/, { body: { ...page(services), registry: 'DOWN' } }]], { user });
    expect(shown.text()).toContain('The registry does not answer');
  });
});

const summaries: Backend = [
  [/orders\/summary/, { body: { timeZone: 'UTC', days: [day], total: { ...day, created: 21 } } }],
  [/payments\/summary/, { body: { timeZone: 'UTC', days: [], failures: {}, total: sums } }],
  [/GET \/api\/products/, { body: productList([product()]) }],
];
const nothing = { ...day, created: 0, paid: 0, revenue: eur(0) };
describeStates('dashboard', {
  page: Dashboard,
  user,
  reads: /orders\/summary/,
  empty: { backend: [[/orders\/summary/, { body: { timeZone: 'UTC', days: [nothing], total: nothing } }], ...summaries], says: 'No visits yet.' },
  data: { backend: [...summaries, [/funnel/, { status: 503 }]], says: ['€123.45', 'of 3 attempts', 'No visits yet.'] },
});
