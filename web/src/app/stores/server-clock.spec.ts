import { signal } from '@angular/core';
import { TestBed } from '@angular/core/testing';
import { CartStore } from './cart-store';
import { ServerClock } from './server-clock';

describe('the clock of the shop', () => {
  const offset = signal(0);

  beforeEach(() => {
    vi.useFakeTimers({ now: new Date('2026-01-31T12:00:00Z') });
    offset.set(0);
    TestBed.configureTestingModule({ providers: [ServerClock, { provide: CartStore, useValue: { clockOffset: offset } }] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('is the time of the device, moved by what the shop is ahead or behind', () => {
    const clock = TestBed.inject(ServerClock);
    expect(new Date(clock.now()).toISOString()).toBe('2026-01-31T12:00:00.000Z');
    offset.set(-90_000);
    expect(new Date(clock.now()).toISOString()).toBe('2026-01-31T11:58:30.000Z');
  });

  it('ticks every 15 seconds, and not after its page is gone', () => {
    const clock = TestBed.inject(ServerClock);
    const start = clock.now();
    vi.advanceTimersByTime(14_999);
    expect(clock.now() - start).toBe(0);
    vi.advanceTimersByTime(1);
    expect(clock.now() - start).toBe(15_000);
    TestBed.resetTestingModule();
    expect(vi.getTimerCount()).toBe(0);
  });
});
