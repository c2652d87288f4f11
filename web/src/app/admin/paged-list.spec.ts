import { provideHttpClient, withInterceptors } from '@angular/common/http';
import { TestBed } from '@angular/core/testing';
import { Router, provideRouter } from '@angular/router';
import { fakeShop, settle } from '../testing/page';
import { page } from '../testing/samples';
import { pagedList } from './paged-list';

interface Thing {
  id: number;
}

describe('a list of the back office', () => {
  const make = async (address = '/') => {
    const { requests, interceptor } = fakeShop([[/things/, { body: { ...page<Thing>([{ id: 1 }, { id: 2 }]), total: 45 } }]]);
    TestBed.configureTestingModule({ providers: [provideRouter([]), provideHttpClient(withInterceptors([interceptor]))] });
    await TestBed.inject(Router).navigateByUrl(address);
    const list = TestBed.runInInjectionContext(() => pagedList<Thing>('/api/things', ['q', 'status', 'sort'], { groups: 'false' }));
    await settle();
    return { list, requests, address: () => TestBed.inject(Router).url, last: () => requests.sent.at(-1)?.url };
  };

  it('sends what the address and the list fix, and nothing else', async () => {
    const { list, last } = await make('/?q=pan&page=1&foreign=x');
    expect(last()).toBe('/api/things?groups=false&page=1&size=20&q=pan');
    expect([list.total(), list.pages(), list.page(), list.param('q'), list.isFiltered()]).toEqual([45, 3, 1, 'pan', true]);
  });

  it('starts at its first page when a filter changes, and keeps the other filters', async () => {
    const { list, address, last } = await make('/?q=pan&page=2');
    list.filter({ status: 'paid' });
    await settle();
    expect([address(), last()]).toEqual(['/?q=pan&status=paid', '/api/things?groups=false&page=0&size=20&q=pan&status=paid']);
    list.clear();
    await settle();
    expect([address(), list.isFiltered()]).toEqual(['/', false]);
  });

  it('says when there are more than were counted', async () => {
    const { list, requests } = await make();
    expect(list.isExact()).toBe(true);
    requests.answer = [[/things/, { body: { ...page<Thing>([]), total: 10_000, totalIsExact: false } }]];
    list.reload();
    await settle();
    expect([list.total(), list.isExact()]).toEqual([10_000, false]);
  });

  it('is not filtered by its sort order', async () => {
    expect((await make('/?sort=name')).list.isFiltered()).toBe(false);
  });

  it('keeps a page until the next is there, and when that does not come', async () => {
    const { list, requests } = await make();
    expect(list.items()).toHaveLength(2);
    requests.answer = [[/things/, 'pending']];
    list.turn(1);
    await settle();
    expect([list.items()?.length, list.isLoading()]).toEqual([2, true]);
    requests.answer = [[/things/, { status: 503 }]];
    list.turn(2);
    await settle();
    expect([list.items()?.length, list.error() === undefined]).toEqual([2, false]);
    requests.answer = [[/things/, { body: page([]) }]];
    list.reload();
    await settle();
    expect([list.items(), list.pages()]).toEqual([[], 1]);
  });

  it('shows a changed entry in its place', async () => {
    const { list } = await make();
    list.replace(({ id }) => id === 2, { id: 7 });
    expect(list.items()).toEqual([{ id: 1 }, { id: 7 }]);
  });
});
