// The shop's API, for what a test needs besides the browser.
export const PASSWORD = 'correct horse battery';
export const url = (path: string) => `${process.env['SOUK_E2E_URL']}${path}`;

export interface Product {
  productId: number;
  slug: string;
  name: string;
  stock: number;
  price: { amount: number; currency: string };
}

let admin: { token: string; until: number } | null = null;

/** A service that has just started reads from the registry where the others are within ten seconds; until then, it says to try again. */
const PEERS_KNOWN_AFTER_MS = 15_000;

export async function call<T = unknown>(method: string, path: string, options: { token?: string; body?: unknown; headers?: Record<string, string> } = {}): Promise<T> {
  const headers: Record<string, string> = { ...options.headers };
  if (options.token) headers['authorization'] = `Bearer ${options.token}`;
  if (options.body !== undefined) headers['content-type'] ??= 'application/json';
  const body = typeof options.body === 'string' || options.body === undefined ? options.body : JSON.stringify(options.body);
  const deadline = Date.now() + PEERS_KNOWN_AFTER_MS;
  for (;;) {
    const response = await fetch(url(`/api${path}`), { method, headers, body });
    const isEarly = response.status === 503 && response.headers.has('retry-after') && Date.now() < deadline;
    if (response.status === 429 || isEarly) {
      await new Promise((done) => setTimeout(done, 1000 * Number(response.headers.get('retry-after') ?? 1)));
      continue;
    }
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return (text ? JSON.parse(text) : null) as T;
  }
}

export async function adminToken(): Promise<string> {
  if (!admin || admin.until < Date.now()) {
    const body = { email: process.env['SOUK_E2E_ADMIN_EMAIL'], password: process.env['SOUK_E2E_ADMIN_PASSWORD'] };
    const { accessToken } = await call<{ accessToken: string }>('POST', '/auth/login', { body });
    admin = { token: accessToken, until: Date.now() + 60_000 };
  }
  return admin.token;
}

/** True if the clock of the shop can be moved: in one process, but not on engines. */
export async function hasTestClock(): Promise<boolean> {
  return (await call<{ testClock: boolean }>('GET', '/shop')).testClock;
}

/** Moves the clock of the shop. Tokens that were issued before may expire. */
export async function advanceClock(seconds: number): Promise<void> {
  await call('POST', '/test-clock', { token: await adminToken(), body: { advanceSeconds: seconds } });
  admin = null;
}

let made = 0;
export const uniqueEmail = () => `person${Date.now()}${++made}@example.com`;

/** A product of its own, so that tests do not share stock. */
export async function makeProduct(change: { name?: string; stock?: number; price?: number } = {}): Promise<Product> {
  const token = await adminToken();
  const { items } = await call<{ items: { categoryId: number; slug: string }[] }>('GET', '/categories');
  const category = items.find(({ slug }) => slug === 'cookware') ?? items[0]!;
  const name = change.name ?? `Test Kettle ${Date.now()}${++made}`;
  const body = { name, price: { amount: change.price ?? 4490, currency: 'EUR' }, stock: change.stock ?? 20, categoryId: category.categoryId, description: 'Boils water.' };
  const product = await call<Product>('POST', '/products', { token, body });
  await eventually(async () => void (await call('GET', `/products/by-slug/${product.slug}`)));
  return product;
}

export async function changeStock(productId: number, delta: number): Promise<void> {
  await call('POST', `/products/${productId}/stock`, { token: await adminToken(), body: { delta, reason: 'test' }, headers: { 'idempotency-key': `e2e-${Date.now()}-${++made}` } });
}

export interface Customer {
  userId: number;
  email: string;
  token: string;
}

export async function register(): Promise<Customer> {
  const email = uniqueEmail();
  const username = email.split('@')[0];
  const { accessToken, user } = await call<{ accessToken: string; user: { userId: number } }>('POST', '/auth/register', { body: { email, password: PASSWORD, username } });
  return { userId: user.userId, email, token: accessToken };
}

export const ADDRESS = { name: 'Ada Byron', line1: '12 Analytical Row', city: 'Lyon', postalCode: '69001', country: 'FR' };

/** An order of one product, paid unless `token` is `null`, to be delivered to `name`. */
export async function placeOrder(customer: Customer, productId: number, token: string | null = 'tok_visa', name = ADDRESS.name): Promise<number> {
  const headers = { 'idempotency-key': `e2e-${Date.now()}-${++made}`, prefer: 'wait=5' };
  const { orderId } = await call<{ orderId: number }>('POST', '/orders', { token: customer.token, headers, body: { shippingAddress: { ...ADDRESS, name }, items: [{ productId, quantity: 1 }] } });
  if (token) {
    await call('POST', '/payments', { token: customer.token, headers: { 'idempotency-key': `pay-${orderId}` }, body: { orderId, method: { type: 'card', token } } });
    await eventually(async () => {
      const { paidAt } = await call<{ paidAt?: string }>('GET', `/orders/${orderId}`, { token: customer.token });
      if (!paidAt) throw new Error('not paid yet');
    });
  }
  return orderId;
}

export async function eventually(act: () => Promise<void>, seconds = 15): Promise<void> {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    try {
      return await act();
    } catch (error) {
      if (Date.now() > end) throw error;
      await new Promise((done) => setTimeout(done, 100));
    }
  }
}
