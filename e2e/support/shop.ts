import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const ADMIN = { email: 'admin@example.com', password: 'correct horse battery' };
/** Times that a shop is started when a port is taken. */
const ATTEMPTS = 5;
const BINARIES = ['target/debug/souk', 'target/release/souk'];

/**
 * Starts a fresh shop on a folder of its own, unless SOUK_E2E_URL names one (with SOUK_E2E_ADMIN_EMAIL,
 * SOUK_E2E_ADMIN_PASSWORD and SOUK_E2E_NOTIFICATION_STORE). Tests find it in the environment.
 */
export default async function setUp(): Promise<() => Promise<void>> {
  process.env['SOUK_E2E_ADMIN_EMAIL'] ??= ADMIN.email;
  process.env['SOUK_E2E_ADMIN_PASSWORD'] ??= ADMIN.password;
  if (process.env['SOUK_E2E_URL']) return async () => undefined;
  const root = resolve(import.meta.dirname, '../..');
  const binary = [process.env['SOUK_E2E_BINARY'] ?? '', ...BINARIES].filter(Boolean).map((path) => resolve(root, path)).find(existsSync);
  if (!binary) throw new Error('no souk binary: run `make build`, or set SOUK_E2E_BINARY');
  const data = mkdtempSync(join(tmpdir(), 'souk-e2e-'));
  const env = {
    ...process.env,
    SOUK_AUTH__ADMIN_EMAIL: ADMIN.email,
    SOUK_AUTH__ADMIN_PASSWORD: ADMIN.password,
    // All visitors come from one address. The other limits stay: no journey may reach them.
    SOUK_GATEWAY__RATE_LIMIT__ENTRY__REPLENISH_RATE: '100',
    SOUK_GATEWAY__RATE_LIMIT__ENTRY__BURST_CAPACITY: '1000',
    SOUK_GATEWAY__RATE_LIMIT__MAIL__REPLENISH_RATE: '100',
    SOUK_GATEWAY__RATE_LIMIT__MAIL__BURST_CAPACITY: '1000',
  };
  const { shop, url } = await start(binary, data, env);
  process.env['SOUK_E2E_URL'] = url;
  process.env['SOUK_E2E_NOTIFICATION_STORE'] = `sqlite:${join(data, 'notification.db')}`;
  return async () => {
    const ended = new Promise((done) => shop.once('exit', done));
    shop.kill('SIGTERM');
    await ended;
    rmSync(data, { recursive: true, force: true });
  };
}

/** Starts a shop. Its nine ports are at distances from the first one; where one of them is taken, another first is tried. */
async function start(binary: string, data: string, env: NodeJS.ProcessEnv): Promise<{ shop: ChildProcess; url: string }> {
  let output = '';
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const port = await freePort();
    const shop = spawn(binary, ['up', '--data', data, '--port', String(port), '--test-clock'], { env, stdio: ['ignore', 'ignore', 'pipe'] });
    output = '';
    shop.stderr.on('data', (text: Buffer) => (output = `${output}${text}`.slice(-4000)));
    const url = `http://localhost:${port}`;
    if (await ready(`${url}/api/health/ready`, shop)) return { shop, url };
  }
  throw new Error(`the shop does not start:\n${output}`);
}

/** Waits until `url` answers; false if `shop` ends before. */
async function ready(url: string, shop: ChildProcess): Promise<boolean> {
  const end = Date.now() + 60_000;
  for (;;) {
    const response = await fetch(url).catch(() => null);
    if (response?.ok) return true;
    if (shop.exitCode !== null) return false;
    if (Date.now() > end) throw new Error(`${url} is not ready after a minute`);
    await new Promise((done) => setTimeout(done, 200));
  }
}

/** A port whose neighbours, at the distances of the other services, are probably free as well. */
function freePort(): Promise<number> {
  return new Promise((done, failed) => {
    const server = createServer();
    server.once('error', failed);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => (typeof address === 'object' && address ? done(Math.min(address.port, 60_000)) : failed(new Error('no port'))));
    });
  });
}
