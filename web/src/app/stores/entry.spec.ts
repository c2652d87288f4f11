import { TestBed } from '@angular/core/testing';
import { Session } from '../session/session';
import { CUSTOMER } from '../testing/page';
import { CartStore } from './cart-store';
import { Entry } from './entry';

describe('the entry', () => {
  let role: 'guest' | 'customer' | null;
  let log: string[];
  let refusal: Error | null;

  function entry(): Entry {
    const session = {
      restore: () => Promise.resolve(void log.push('restore')),
      user: () => (role ? { ...CUSTOMER, role } : null),
      currentToken: () => 'guest-token',
      signIn: (email: string, password: string) => enter(`sign in ${email} ${password}`),
      register: (email: string, password: string) => enter(`register ${email} ${password}`),
    };
    const enter = (act: string) => {
      log.push(act);
      return refusal ? Promise.reject(refusal) : Promise.resolve(CUSTOMER);
    };
    const cart = { merge: (token: string) => Promise.resolve(void log.push(`merge ${token}`)) };
    TestBed.configureTestingModule({
      providers: [
        { provide: Session, useValue: session },
        { provide: CartStore, useValue: cart },
      ],
    });
    return TestBed.inject(Entry);
  }

  beforeEach(() => {
    role = 'guest';
    log = [];
    refusal = null;
  });

  it('brings the cart of a guest who signs in', async () => {
    expect(await entry().signIn('ada@example.com', 'secret')).toBe(CUSTOMER);
    expect(log).toEqual(['restore', 'sign in ada@example.com secret', 'merge guest-token']);
  });

  it('brings the cart of a guest who registers', async () => {
    await entry().register('ada@example.com', 'secret');
    expect(log).toEqual(['restore', 'register ada@example.com secret', 'merge guest-token']);
  });

  it('merges nothing for a visitor without a cart, nor that of another customer', async () => {
    role = null;
    await entry().signIn('ada@example.com', 'secret');
    role = 'customer';
    await TestBed.inject(Entry).signIn('ada@example.com', 'secret');
    expect(log.filter((act) => act.startsWith('merge'))).toEqual([]);
  });

  it('leaves the cart with the guest when the sign-in is refused', async () => {
    refusal = new Error('wrong password');
    await expect(entry().signIn('ada@example.com', 'wrong')).rejects.toThrow('wrong password');
    expect(log).toEqual(['restore', 'sign in ada@example.com wrong']);
  });
});
