import { FormControl } from '@angular/forms';
import { ADMIN, showPage } from '../../testing/page';
import { DescriptionField, asHtml } from './description-field';

async function show(text: string, html: string) {
  const controls = { text: new FormControl(text, { nonNullable: true }), html: new FormControl(html, { nonNullable: true }) };
  const { element, settle } = await showPage(DescriptionField, [], { user: ADMIN, inputs: controls });
  return {
    ...controls,
    field: () => element.querySelector('textarea')!,
    preview: () => element.querySelector('.html'),
    toggle: async () => {
      element.querySelector<HTMLInputElement>('[type="checkbox"]')!.click();
      await settle();
    },
    type: async (value: string) => {
      const field = element.querySelector('textarea')!;
      field.value = value;
      field.dispatchEvent(new Event('input'));
      await settle();
    },
  };
}

describe('the description of a product', () => {
  it('is edited as the text that it is', async () => {
    const shown = await show('Two litres.', '');
    expect(shown.field().value).toBe('Two litres.');
    expect(shown.preview()).toBeNull();
    await shown.type('Three litres.');
    expect(shown.text.value).toBe('Three litres.');
  });

  it('is edited as HTML beside its view, of which scripts are no part', async () => {
    const shown = await show('Two litres.', '<p>Two <b>litres</b>.</p>');
    expect(shown.field().value).toBe('<p>Two <b>litres</b>.</p>');
    expect(shown.preview()?.querySelector('b')?.textContent).toBe('litres');
    await shown.type('<p onclick="x()">Now<script>x()</script></p>');
    expect(shown.preview()?.innerHTML).toBe('<p>Now</p>');
    await shown.type('');
    expect(shown.preview()).toBeNull();
    await shown.type('<ul><li>Steel</li></ul>');
    expect(shown.html.value).toBe('<ul><li>Steel</li></ul>');
  });

  it('gains and loses its formatting', async () => {
    const shown = await show('A < B\nC\n\nD', '');
    await shown.toggle();
    expect(shown.html.value).toBe('<p>A &lt; B<br>C</p>\n<p>D</p>');
    await shown.toggle();
    expect(shown.html.value).toBe('');
    expect(shown.field().value).toBe('A < B\nC\n\nD');
    expect(asHtml(' ')).toBe('');
  });
});
