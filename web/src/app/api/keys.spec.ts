import { answered, keyFor } from './keys';

describe('idempotency keys', () => {
  beforeEach(() => sessionStorage.clear());

  it('stay the same until an answer came, also after a reload', () => {
    const key = keyFor('payment.42', { token: 'tok_visa' });
    expect(keyFor('payment.42', { token: 'tok_visa' })).toBe(key);
    answered('payment.42');
    expect(keyFor('payment.42', { token: 'tok_visa' })).not.toBe(key);
  });

  it('differ by act and by body', () => {
    const key = keyFor('payment.42', { token: 'tok_visa' });
    expect(keyFor('payment.43', { token: 'tok_visa' })).not.toBe(key);
    expect(keyFor('payment.42', { token: 'tok_slow' })).not.toBe(key);
  });
});
