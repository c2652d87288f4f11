import type { Answer } from '../../testing/page';
import { ADMIN, showPage } from '../../testing/page';
import { NOW } from '../../testing/samples';
import { AuditPanel } from './audit-panel';

const invariants = [
  { invariant: 1, statement: 'stock adds up', violations: 0 },
  { invariant: 8, statement: 'every paid order has a capture', violations: 2 },
];
const violations = [{ invariant: 8, subject: 'order 17', detail: 'nothing is captured' }];

describe('the result of the last audit', () => {
  const show = (answer: Answer) => showPage(AuditPanel, [[/GET \/api\/orders\/audit/, answer]], { user: ADMIN });

  it('is empty while it loads', async () => {
    const shown = await show('pending');
    expect(shown.text().trim()).toBe('Last audit');
  });

  it('says that no round has ended yet', async () => {
    expect((await show({ body: { latest: null } })).text()).toContain('No result yet');
  });

  it('says that it is not known while orders are away, and keeps what was known', async () => {
    const shown = await show({ status: 503 });
    expect(shown.text()).toContain('does not answer');
    expect(shown.element.querySelector('.tag')).toBeNull();
  });

  it('says that all invariants hold', async () => {
    const shown = await show({ body: { latest: { readAt: NOW, invariants: invariants.slice(0, 1), violations: [] } } });
    expect(shown.element.querySelector('.tag.ok')?.textContent).toBe('Invariants that hold: 1 of 1');
  });

  it('names what is violated, and by what', async () => {
    const shown = await show({ body: { latest: { readAt: NOW, invariants, violations } } });
    expect(shown.element.querySelector('.tag.bad')?.textContent).toBe('Violations: 2');
    expect(shown.text()).toContain('8. every paid order has a capture (2)');
    expect(shown.text()).toContain('order 17: nothing is captured');
    expect(shown.text()).not.toContain('stock adds up');
  });
});
