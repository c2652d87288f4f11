import { provideHttpClient, withInterceptors } from '@angular/common/http';
import { TestBed } from '@angular/core/testing';
import { fakeShop } from '../testing/page';
import { SuggestStore } from './suggest-store';

const answer = (corrected: string | null = null) => ({ products: [], categories: [], brands: [], corrected, total: 0 });

describe('suggestions', () => {
  const make = () => {
    const { requests, interceptor } = fakeShop([[/suggest/, { body: answer('kettle') }]]);
    TestBed.configureTestingModule({ providers: [SuggestStore, provideHttpClient(withInterceptors([interceptor]))] });
    const store = TestBed.inject(SuggestStore);
    /** Lets time pass for one who types, and what is under way arrive. */
    const wait = async (ms: number) => {
      await vi.advanceTimersByTimeAsync(ms);
      TestBed.tick();
      await vi.advanceTimersByTimeAsync(10);
      TestBed.tick();
    };
    return { store, requests, wait };
  };
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('are asked for once, when the typing pauses', async () => {
    const { store, requests, wait } = make();
    for (const text of ['k', 'ke', 'ket', ' kett ']) {
      store.type(text);
      await wait(50);
    }
    expect(requests.sent).toEqual([]);
    await wait(200);
    expect(requests.sent.map(({ url }) => url)).toEqual(['/api/products/suggest?q=kett']);
    expect([store.query(), store.suggestions()?.corrected]).toEqual(['kett', 'kettle']);
  });

  it('need two letters, and at most 200 are sent', async () => {
    const { store, requests, wait } = make();
    store.type('k');
    await wait(200);
    expect([requests.sent.length, store.suggestions()]).toEqual([0, null]);
    store.type('k'.repeat(300));
    await wait(200);
    expect(requests.sent[0]?.url).toHaveLength('/api/products/suggest?q='.length + 200);
  });

  it('end when the field is cleared, also those that are still to be asked for', async () => {
    const { store, requests, wait } = make();
    store.type('kettle');
    store.clear();
    await wait(200);
    expect([requests.sent.length, store.query(), store.suggestions()]).toEqual([0, '', null]);
  });

  it('are absent while the shop does not answer', async () => {
    const { store, requests, wait } = make();
    requests.answer = [[/suggest/, { status: 503 }]];
    store.type('kettle');
    await wait(200);
    expect([requests.sent.length, store.suggestions()]).toEqual([1, null]);
  });
});
