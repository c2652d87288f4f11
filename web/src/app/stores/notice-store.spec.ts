import { provideHttpClient } from '@angular/common/http';
import { HttpTestingController, provideHttpClientTesting } from '@angular/common/http/testing';
import { TestBed } from '@angular/core/testing';
import { Session } from '../session/session';
import { CUSTOMER, fixedSession } from '../testing/page';
import { NOW, notice, page } from '../testing/samples';
import { NoticeStore } from './notice-store';

const tick = () => new Promise((resolve) => setTimeout(resolve));
const isCount = ({ url, params }: { url: string; params: { has: (name: string) => boolean } }) => url === '/api/notifications' && params.has('unread');
const isPage = ({ url, params }: { url: string; params: { has: (name: string) => boolean } }) => url === '/api/notifications' && !params.has('unread');

describe('the notices', () => {
  let store: NoticeStore;
  let http: HttpTestingController;
  const { fetch } = globalThis;

  beforeEach(async () => {
    // The stream stays open, and nothing arrives.
    globalThis.fetch = () => new Promise<Response>(() => undefined);
    TestBed.configureTestingModule({ providers: [provideHttpClient(), provideHttpClientTesting(), { provide: Session, useValue: fixedSession(CUSTOMER) }] });
    store = TestBed.inject(NoticeStore);
    http = TestBed.inject(HttpTestingController);
    TestBed.tick();
    await tick();
    http.expectOne(isCount).flush({ ...page([]), total: 2 });
    await tick();
  });

  afterEach(() => {
    TestBed.resetTestingModule();
    globalThis.fetch = fetch;
  });

  const load = async () => {
    const loading = store.load();
    http.expectOne(isPage).flush({ ...page([notice({ notificationId: 2 }), notice({ notificationId: 1, readAt: NOW })]), total: 3 });
    await loading;
  };

  it('counts the unread ones of all pages', async () => {
    expect(store.unread()).toBe(2);
    expect(store.isLoaded()).toBe(false);
    await load();
    expect(store.items()).toHaveLength(2);
    expect(store.hasMore()).toBe(true);
  });

  it('adds the next page without repeating a notice that moved to it', async () => {
    await load();
    const more = store.loadMore();
    http.expectOne(isPage).flush({ ...page([notice({ notificationId: 1, readAt: NOW }), notice({ notificationId: 0 })]), total: 3 });
    await more;
    expect(store.items().map(({ notificationId }) => notificationId)).toEqual([2, 1, 0]);
    expect(store.hasMore()).toBe(false);
  });

  it('marks one as read', async () => {
    await load();
    const [unread] = store.items();
    const marking = store.markRead(unread!);
    http.expectOne({ method: 'POST', url: '/api/notifications/2/read' }).flush({ ...unread, readAt: NOW });
    await marking;
    expect(store.items()[0]!.readAt).toBe(NOW);
    expect(store.unread()).toBe(1);
    // A notice that is read already asks for nothing.
    await store.markRead(store.items()[0]!);
    http.verify();
  });

  it('marks all as read in one request, those of other pages too', async () => {
    await load();
    const marking = store.markAllRead();
    http.expectOne({ method: 'POST', url: '/api/notifications/read' }).flush({ marked: 2, readAt: '2026-02-01T00:00:00.000Z' });
    await tick();
    http.expectOne(isCount).flush({ ...page([]), total: 0 });
    await marking;
    expect(store.items().map(({ readAt }) => readAt)).toEqual(['2026-02-01T00:00:00.000Z', NOW]);
    expect(store.unread()).toBe(0);
  });

  it('says why they cannot be shown', async () => {
    const loading = store.load();
    http.expectOne(isPage).flush({ code: 'store.unavailable' }, { status: 503, statusText: 'Unavailable' });
    await loading;
    expect(store.isLoaded()).toBe(false);
    expect(store.failure()).not.toBeNull();
  });
});
