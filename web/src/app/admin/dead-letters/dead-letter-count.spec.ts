import { provideHttpClient, withInterceptors } from '@angular/common/http';
import { TestBed } from '@angular/core/testing';
import { fakeShop } from '../../testing/page';
import { page } from '../../testing/samples';
import { DeadLetterCount } from './dead-letter-count';

describe('the number of dead letters', () => {
  it('is read for the menu, and stays when it cannot be read', async () => {
    const { requests, interceptor } = fakeShop([[/dead-letters/, { body: { ...page([]), total: 4 } }]]);
    TestBed.configureTestingModule({ providers: [provideHttpClient(withInterceptors([interceptor]))] });
    const dead = TestBed.inject(DeadLetterCount);
    expect(dead.count()).toBe(0);
    await dead.read();
    expect(dead.count()).toBe(4);
    requests.answer = [[/dead-letters/, { status: 503 }]];
    await dead.read();
    expect(dead.count()).toBe(4);
    dead.set(3);
    expect(dead.count()).toBe(3);
  });
});
