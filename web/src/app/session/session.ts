import { HttpClient, HttpContext } from '@angular/common/http';
import { Injectable, computed, inject, signal } from '@angular/core';
import { firstValueFrom } from 'rxjs';
import { failureOf } from '../api/problem';
import { randomKey } from '../api/keys';
import type { SignedIn, User } from '../api/types';
import { I18n } from '../i18n/i18n';
import { WITHOUT_TOKEN } from './without-token';

/** Says that a refresh cookie may exist. It holds nothing secret: the cookie itself is out of reach for scripts. */
const FLAG = 'souk.session';
const LOCK = 'souk-refresh';
const REFRESH_AT = 0.8;
/** Time at which a rotation went out, while its answer is outstanding. */
const ROTATING = 'souk.rotating';
const ROTATION_MS = 3000;

interface Shared {
  type: 'signed-in' | 'signed-out';
  signedIn?: SignedIn;
}

/** The visitor's identity. The access token stays in memory; the refresh token in a cookie that no script reads. */
@Injectable({ providedIn: 'root' })
export class Session {
  private readonly http = inject(HttpClient);
  private readonly i18n = inject(I18n);
  private readonly signedIn = signal<SignedIn | null>(null);
  private readonly settled = signal(false);
  private readonly endings = signal(0);
  private readonly channel = typeof BroadcastChannel === 'undefined' ? null : new BroadcastChannel('souk-session');
  private timer: ReturnType<typeof setTimeout> | undefined;
  private refreshing: Promise<boolean> | null = null;
  private restoring: Promise<void> | null = null;

  readonly user = computed<User | null>(() => this.signedIn()?.user ?? null);
  readonly isKnown = this.settled.asReadonly();
  /** A person with an account, not a guest. */
  readonly isCustomer = computed(() => ['customer', 'admin'].includes(this.user()?.role ?? ''));
  readonly isAdmin = computed(() => this.user()?.role === 'admin');
  /** Counts sign-ins that ended without the visitor wanting it. */
  readonly ended = this.endings.asReadonly();
  readonly displayName = computed(() => this.user()?.username ?? this.user()?.email ?? '');

  constructor() {
    this.channel?.addEventListener('message', ({ data }: MessageEvent<Shared>) => {
      if (data.type === 'signed-in' && data.signedIn) this.apply(data.signedIn);
      else this.clear();
    });
  }

  /** Restores the session of an earlier visit, once. Without the flag no request is made. */
  restore(): Promise<void> {
    this.restoring ??= (async () => {
      if (!this.signedIn() && read(FLAG) === '1') await this.refresh();
      this.settled.set(true);
    })();
    return this.restoring;
  }

  /** Returns the access token, refreshed if needed; `null` for a visitor without one. */
  async token(): Promise<string | null> {
    await this.restore();
    return this.signedIn()?.accessToken ?? null;
  }

  currentToken(): string | null {
    return this.signedIn()?.accessToken ?? null;
  }

  /** Makes a guest if the visitor has no session: a cart needs an owner. */
  async ensureShopper(): Promise<void> {
    await this.restore();
    if (this.signedIn()) return;
    await this.enter(this.post<SignedIn>('/api/auth/guest', {}));
  }

  async signIn(email: string, password: string): Promise<User> {
    return this.enter(this.post<SignedIn>('/api/auth/login', { email, password }));
  }

  async register(email: string, password: string): Promise<User> {
    const language = this.i18n.language();
    return this.enter(this.post<SignedIn>('/api/auth/register', { email, password, language, ...usernameFor(email) }));
  }

  async signOut(): Promise<void> {
    const token = this.currentToken();
    this.clear();
    this.share({ type: 'signed-out' });
    const headers: Record<string, string> = { 'X-Souk-Client': 'browser' };
    if (token) headers['Authorization'] = `Bearer ${token}`;
    await firstValueFrom(this.http.post('/api/auth/logout', {}, { headers, context: anonymous() })).catch((error: unknown) => {
      // The session is over for this browser either way.
      if (failureOf(error).status === 0) return;
    });
  }

  /** Ends the session after the server refused it. */
  end(): void {
    if (!this.signedIn() && read(FLAG) !== '1') return;
    const wasCustomer = this.isCustomer();
    this.clear();
    this.share({ type: 'signed-out' });
    if (wasCustomer) this.endings.update((n) => n + 1);
  }

  update(user: User): void {
    this.signedIn.update((current) => (current ? { ...current, user } : current));
  }

  /** Rotates the refresh token; one tab at a time. Returns false if there is no session any more. Never retried. */
  refresh(): Promise<boolean> {
    this.refreshing ??= this.locked().finally(() => (this.refreshing = null));
    return this.refreshing;
  }

  private async locked(): Promise<boolean> {
    const before = this.signedIn();
    const rotate = async () => {
      // Another tab may have rotated while this one waited for the lock.
      if (this.signedIn() !== before) return this.signedIn() !== null;
      return this.rotate();
    };
    return navigator.locks ? await navigator.locks.request(LOCK, rotate) : rotate();
  }

  private async rotate(): Promise<boolean> {
    // A page that was reloaded in mid-rotation has lost the lock, but its request is still on the way. The same cookie
    // sent twice would end the sign-in, so this waits until the browser has the new one.
    const left = ROTATION_MS - (Date.now() - Number(read(ROTATING) ?? 0));
    if (left > 0 && left <= ROTATION_MS) await new Promise((resolve) => setTimeout(resolve, left));
    write(ROTATING, String(Date.now()));
    try {
      return await this.send();
    } finally {
      write(ROTATING, null);
    }
  }

  private async send(): Promise<boolean> {
    let response: Response;
    try {
      // Not HttpClient: a rotation whose answer is lost ends the sign-in, so it must survive the page.
      response = await fetch('/api/auth/refresh', {
        method: 'POST',
        keepalive: true,
        headers: { 'Content-Type': 'application/json', 'X-Souk-Client': 'browser' },
        body: '{}',
      });
    } catch {
      // Offline: the cookie is still good, the next request tries again.
      return this.signedIn() !== null;
    }
    if (response.ok) {
      const signedIn = (await response.json()) as SignedIn;
      this.apply(signedIn);
      this.share({ type: 'signed-in', signedIn });
      return true;
    }
    if (response.status === 401 || response.status === 403) this.end();
    return false;
  }

  private async enter(answer: Promise<SignedIn>): Promise<User> {
    const signedIn = await answer;
    this.apply(signedIn);
    this.settled.set(true);
    this.share({ type: 'signed-in', signedIn });
    return signedIn.user;
  }

  private post<T>(url: string, body: unknown): Promise<T> {
    const headers: Record<string, string> = { 'X-Souk-Client': 'browser' };
    if (url.endsWith('/register')) headers['Idempotency-Key'] = randomKey();
    return firstValueFrom(this.http.post<T>(url, body, { headers, context: anonymous() }));
  }

  private apply(signedIn: SignedIn): void {
    // Only what is needed is kept: a refresh token never stays in the page.
    const { accessToken, expiresIn, tokenType, user } = signedIn;
    this.signedIn.set({ accessToken, expiresIn, tokenType, user });
    write(FLAG, '1');
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.refresh(), expiresIn * 1000 * REFRESH_AT);
  }

  private clear(): void {
    clearTimeout(this.timer);
    this.signedIn.set(null);
    write(FLAG, null);
  }

  private share(message: Shared): void {
    this.channel?.postMessage(message);
  }
}

function anonymous(): HttpContext {
  return new HttpContext().set(WITHOUT_TOKEN, true);
}

/** A user name from the address, until the shop makes one itself. */
function usernameFor(email: string): { username: string } {
  const local = email.split('@')[0] ?? '';
  const plain = local.normalize('NFKD').replace(/[^A-Za-z0-9_.-]/g, '').slice(0, 30);
  return { username: `${plain || 'shopper'}-${randomKey().slice(0, 6)}` };
}

function read(name: string): string | null {
  try {
    return localStorage.getItem(name);
  } catch {
    return null;
  }
}

function write(name: string, value: string | null): void {
  try {
    if (value === null) localStorage.removeItem(name);
    else localStorage.setItem(name, value);
  } catch {
    // Without storage, a reload signs the visitor out.
  }
}
