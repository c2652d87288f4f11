import { HttpClient } from '@angular/common/http';
import { DestroyRef, Injectable, computed, effect, inject, signal, untracked } from '@angular/core';
import { firstValueFrom } from 'rxjs';
import type { Failure } from '../api/problem';
import { failureOf } from '../api/problem';
import { readStream } from '../api/stream';
import type { Notice, Page, ReadNotices } from '../api/types';
import { Session } from '../session/session';

const LOCK = 'souk-notices';
const PAGE_SIZE = 20;

/**
 * Notices of the customer, with the number of unread ones. One tab reads the stream and shares what arrives: over
 * HTTP/1.1 a browser opens six connections to a shop, and each stream takes one.
 */
@Injectable({ providedIn: 'root' })
export class NoticeStore {
  private readonly http = inject(HttpClient);
  private readonly session = inject(Session);
  private readonly list = signal<Notice[] | null>(null);
  private readonly count = signal(0);
  private readonly all = signal(0);
  private readonly failed = signal<Failure | null>(null);
  private readonly arrived = signal<Notice | null>(null);
  private readonly channel = typeof BroadcastChannel === 'undefined' ? null : new BroadcastChannel('souk-notices');
  private reader: AbortController | null = null;
  private pages = 0;

  readonly items = computed(() => this.list() ?? []);
  readonly isLoaded = computed(() => this.list() !== null);
  readonly unread = this.count.asReadonly();
  readonly failure = this.failed.asReadonly();
  readonly hasMore = computed(() => this.items().length < this.all());
  /** The newest notice that arrived while the page was open. */
  readonly latest = this.arrived.asReadonly();

  constructor() {
    this.channel?.addEventListener('message', ({ data }: MessageEvent<Notice | 'read'>) => {
      if (data === 'read') void this.readCount();
      else this.receive(data);
    });
    effect(() => {
      const isCustomer = this.session.isCustomer();
      const user = this.session.user()?.userId;
      untracked(() => {
        this.reader?.abort();
        this.list.set(null);
        this.count.set(0);
        if (isCustomer && user !== undefined) this.follow();
      });
    });
    inject(DestroyRef).onDestroy(() => this.reader?.abort());
  }

  async load(): Promise<void> {
    try {
      const page = await this.page(0);
      this.pages = 1;
      this.all.set(page.total);
      this.list.set(page.items);
      this.failed.set(null);
    } catch (error) {
      this.failed.set(failureOf(error));
    }
  }

  async loadMore(): Promise<void> {
    const page = await this.page(this.pages);
    this.pages += 1;
    const known = new Set(this.items().map((notice) => notice.notificationId));
    this.list.set([...this.items(), ...page.items.filter((notice) => !known.has(notice.notificationId))]);
  }

  async markRead(notice: Notice): Promise<void> {
    if (notice.readAt) return;
    const read = await firstValueFrom(this.http.post<Notice>(`/api/notifications/${notice.notificationId}/read`, {}));
    this.list.update((list) => list?.map((other) => (other.notificationId === read.notificationId ? read : other)) ?? null);
    this.count.update((n) => Math.max(0, n - 1));
    this.channel?.postMessage('read');
  }

  async markAllRead(): Promise<void> {
    const { readAt } = await firstValueFrom(this.http.post<ReadNotices>('/api/notifications/read', {}));
    this.list.update((list) => list?.map((notice) => (notice.readAt ? notice : { ...notice, readAt })) ?? null);
    this.channel?.postMessage('read');
    await this.readCount();
  }

  private page(page: number): Promise<Page<Notice>> {
    return firstValueFrom(this.http.get<Page<Notice>>('/api/notifications', { params: { page, size: PAGE_SIZE } }));
  }

  private async readCount(): Promise<void> {
    try {
      const page = await firstValueFrom(this.http.get<Page<Notice>>('/api/notifications', { params: { unread: true, size: 1 } }));
      this.count.set(page.total);
    } catch (error) {
      this.failed.set(failureOf(error));
    }
  }

  private follow(): void {
    void this.readCount();
    const reader = new AbortController();
    this.reader = reader;
    let since: number | null = null;
    const read = () =>
      readStream({
        url: '/api/notifications/stream',
        token: () => this.session.token(),
        signal: reader.signal,
        onEvent: (event) => {
          if (event.event !== 'notice') return;
          const notice = JSON.parse(event.data) as Notice;
          since = notice.notificationId;
          this.receive(notice);
          this.channel?.postMessage(notice);
        },
        lastEventId: since === null ? undefined : String(since),
      });
    const turn = navigator.locks ? navigator.locks.request(LOCK, { signal: reader.signal }, read) : read();
    turn.catch((error: unknown) => {
      if (!reader.signal.aborted) throw error;
    });
  }

  private receive(notice: Notice): void {
    if (this.items().some((other) => other.notificationId === notice.notificationId)) return;
    this.list.update((list) => (list ? [notice, ...list] : list));
    this.all.update((n) => n + 1);
    this.arrived.set(notice);
    void this.readCount();
  }
}
