import { Router } from '@angular/router';
import { TestBed } from '@angular/core/testing';
import { ADMIN, showPage } from '../../testing/page';
import { product, productList } from '../../testing/samples';
import { AdminProducts } from './admin-products';

const button = (element: HTMLElement, text: string) => [...element.querySelectorAll('button')].find((one) => one.textContent.includes(text));

describe('products in the back office', () => {
  it('are listed one by one, and filtered to the hidden ones, which can be restored', async () => {
    const hidden = product({ name: 'Old Kettle', hidden: true });
    const shown = await showPage(AdminProducts, [[/GET \/api\/products\?.*hidden=true/, { body: productList([hidden]) }], [/GET \/api\/products/, { body: productList([product()]) }]], { user: ADMIN });
    expect(shown.requests.sent[0]?.url).toContain('groups=false');
    await TestBed.inject(Router).navigate([], { queryParams: { hidden: true } });
    await shown.settle();
    expect(button(shown.element, 'Hidden products')?.getAttribute('aria-pressed')).toBe('true');
    expect(shown.text()).toContain('Old Kettle');
    expect(shown.element.querySelector('tbody a')).not.toBeNull();
    shown.requests.answer = [[/POST .*restore/, { body: hidden }], [/GET/, { body: productList([]) }]];
    button(shown.element, 'Show again: Old Kettle')?.click();
    await shown.settle();
    expect(shown.requests.sent.some(({ method, url }) => method === 'POST' && url === '/api/products/11/restore')).toBe(true);
    expect(shown.text()).toContain('Nothing matches these filters.');
  });

  it('are exported as a file that is fetched with the token, then saved', async () => {
    const saved: string[] = [];
    URL.createObjectURL = () => 'blob:file';
    URL.revokeObjectURL = () => undefined;
    vi.spyOn(HTMLAnchorElement.prototype, 'click').mockImplementation(function (this: HTMLAnchorElement) {
      saved.push(`${this.href} ${this.download.replace(/\d/g, '9')}`);
    });
    const shown = await showPage(AdminProducts, [[/export/, { body: new Blob(['Title\n']) }], [/GET/, { body: productList([product()]) }]], { user: ADMIN });
    button(shown.element, 'Export')?.click();
    await shown.settle();
    expect(saved).toEqual(['blob:file products-9999-99-99.csv']);
    vi.restoreAllMocks();
  });
});
