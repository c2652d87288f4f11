import { applyStyles, withoutInlineStyles } from './mail-preview';

describe('the preview of a mail', () => {
  it('has no inline styles and nothing active, but looks the same', () => {
    const html = withoutInlineStyles('<style>p{}</style><script>x()</script><p style="color: red">Hello <a href="https://x.example" style="font-weight: bold">you</a></p>');
    expect(html).not.toMatch(/<style|<script|\sstyle=/);
    const page = document.implementation.createHTMLDocument();
    page.body.innerHTML = html;
    applyStyles(page);
    expect(page.querySelector('p')?.style.color).toBe('red');
    expect(page.querySelector('a')?.target).toBe('_blank');
  });
});
