import { FormArray } from '@angular/forms';
import { ADMIN, showPage } from '../../testing/page';
import { PictureList } from './picture-list';
import { pictureRow } from './product-form';

describe('the pictures of a product', () => {
  const show = async (urls: string[]) => {
    const rows = new FormArray(urls.map((url) => pictureRow({ url, alt: '' })));
    const shown = await showPage(PictureList, [], { user: ADMIN, inputs: { rows } });
    const press = async (label: string) => {
      shown.element.querySelector<HTMLButtonElement>(`[aria-label="${label}"]`)?.click();
      await shown.settle();
    };
    return { shown, rows, press, order: () => rows.getRawValue().map(({ picture }) => picture.url) };
  };

  it('change places, and the focus goes with the one that moved', async () => {
    const { shown, press, order } = await show(['/a', '/b', '/c']);
    document.body.append(shown.element);
    await press('Move picture 2 up');
    expect(order()).toEqual(['/b', '/a', '/c']);
    expect(document.activeElement?.getAttribute('aria-label')).toBe('Move picture 1 down');
    await press('Move picture 1 down');
    expect(order()).toEqual(['/a', '/b', '/c']);
    expect(document.activeElement?.getAttribute('aria-label')).toBe('Move picture 2 down');
  });

  it('appear when the editor adds one', async () => {
    const { shown, rows } = await show([]);
    rows.push(pictureRow({ url: '/new', alt: '' }));
    await shown.settle();
    expect(shown.element.querySelectorAll('.picture-row')).toHaveLength(1);
  });

  it('are removed; without one it says so', async () => {
    const { shown, press, order } = await show(['/a']);
    expect(shown.element.querySelector<HTMLButtonElement>('[aria-label="Move picture 1 up"]')?.disabled).toBe(true);
    await press('Remove picture 1');
    expect(order()).toEqual([]);
    expect(shown.text()).toContain('No picture yet.');
  });
});
