import type { Answer, Page } from '../../testing/page';
import { ADMIN, showPage } from '../../testing/page';
import { category, page } from '../../testing/samples';
import { ImportPage } from './import-page';

const report = { created: 2, updated: 1, unchanged: 0, rejected: [{ line: 3, reason: 'the price is no number' }], ignoredColumns: ['Vendor note'] };
const CSV = 'Handle,Title,Variant Price\na,A,1.00\nb,B,free\nc,C,2.00\n';

async function show(answer: Answer): Promise<Page<ImportPage>> {
  return showPage(ImportPage, [[/POST \/api\/products\/import/, answer], [/categories/, { body: page([category()]) }]], { user: ADMIN });
}
async function start(shown: Page<ImportPage>, text: string | null): Promise<void> {
  if (text !== null) {
    const field = shown.element.querySelector<HTMLInputElement>('#csv')!;
    const file = { arrayBuffer: () => Promise.resolve(new TextEncoder().encode(text).buffer) };
    Object.defineProperty(field, 'files', { value: [file] });
    field.dispatchEvent(new Event('change'));
  }
  [...shown.element.querySelectorAll('button')].find((button) => button.textContent.includes('Import'))?.click();
  await shown.settle();
}

describe('the import of a file', () => {
  it('waits for a file', async () => {
    const shown = await show({ body: report });
    await start(shown, null);
    expect(shown.requests.sent).toEqual([]);
    expect(shown.element.querySelector('[role="status"]')).toBeNull();
    expect(shown.element.querySelectorAll('h1')).toHaveLength(1);
  });

  it('shows how far it is, and can be stopped', async () => {
    const shown = await show('pending');
    await start(shown, CSV);
    expect(shown.element.querySelector('progress')?.max).toBe(3);
    expect(shown.text()).toContain('0 of 3 rows');
    expect([...shown.element.querySelectorAll('button')].map((button) => button.textContent.trim())).toEqual(['Stop']);
  });

  it('shows what came of it: numbers, rejected rows by their line, columns that are not used', async () => {
    const shown = await show({ body: report });
    await start(shown, CSV);
    expect(shown.requests.sent.find(({ method }) => method === 'POST')?.headers['Content-Type']).toBe('text/csv');
    expect([...shown.element.querySelectorAll('.numbers dd')].map((number) => number.textContent)).toEqual(['2', '1', '0', '1']);
    expect([...shown.element.querySelectorAll('td')].map((cell) => cell.textContent)).toEqual(['3', 'the price is no number']);
    expect(shown.text()).toContain('Vendor note');
    expect(shown.text()).toContain('3 of 3 rows');
  });

  it('says so when nothing was rejected', async () => {
    const shown = await show({ body: { ...report, rejected: [], ignoredColumns: [] } });
    await start(shown, CSV);
    expect(shown.element.querySelector('[role="status"] table')).toBeNull();
  });

  it('shows what was imported before the shop went away, and can be started again', async () => {
    const shown = await show({ status: 503 });
    await start(shown, CSV);
    expect([...shown.element.querySelectorAll('.numbers dd')].map((number) => number.textContent)).toEqual(['0', '0', '0', '0']);
    shown.requests.answer = [[/POST/, { body: report }], [/categories/, { body: page([]) }]];
    await start(shown, null);
    expect(shown.element.querySelector('.numbers dd')?.textContent).toBe('2');
  });
});
