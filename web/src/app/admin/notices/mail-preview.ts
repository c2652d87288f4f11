/** A mail's HTML in a form that the page's Content-Security-Policy allows: its styles are set by script, one by one. */
export function withoutInlineStyles(html: string): string {
  return html
    .replace(/<style\b[\s\S]*?<\/style>/gi, '')
    .replace(/<(script|iframe|object|embed|link|base|form)\b[\s\S]*?>/gi, '')
    .replace(/(\s)style\s*=/gi, '$1data-style=')
    .replace(/\sbgcolor\s*=\s*"([^"]*)"/gi, '');
}

/** Applies the styles that `withoutInlineStyles` put aside, and opens links in a new tab. */
export function applyStyles(document: Document): void {
  for (const element of document.querySelectorAll<HTMLElement>('[data-style]')) element.style.cssText = element.dataset['style'] ?? '';
  for (const link of document.querySelectorAll('a')) {
    link.target = '_blank';
    link.rel = 'noopener';
  }
}
