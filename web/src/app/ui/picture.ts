import { ChangeDetectionStrategy, Component, computed, input } from '@angular/core';

interface Source {
  src: string;
  srcset: string | null;
}

/** Widths in which the shop keeps an uploaded picture. */
const SIZES: readonly [name: string, width: number][] = [
  ['thumb', 320],
  ['medium', 640],
  ['page', 1200],
];

/** Returns the addresses of a picture in the sizes that the shop has of it. */
export function sourceOf(url: string): Source {
  const kept = /^(.*\/pictures\/[^/]+)\/(?:thumb|medium|page)$/.exec(url);
  if (!kept) return { src: url, srcset: null };
  return { src: url, srcset: SIZES.map(([name, width]) => `${kept[1]}/${name} ${width}w`).join(', ') };
}

/** A square picture that keeps its place while it loads. */
@Component({
  selector: 'app-picture',
  template: `@if (source(); as it) {
    <img [src]="it.src" [attr.srcset]="it.srcset" [attr.sizes]="it.srcset ? sizes() : null" [alt]="alt()" width="640" height="640"
      [attr.loading]="eager() ? null : 'lazy'" [attr.fetchpriority]="priority() ? 'high' : null" decoding="async" />
  }`,
  host: { class: 'picture' },
  changeDetection: ChangeDetectionStrategy.OnPush,
})
export class Picture {
  readonly url = input<string | null | undefined>();
  readonly alt = input('');
  readonly sizes = input('(min-width: 1024px) 300px, (min-width: 640px) 31vw, 46vw');
  /** Loads at once; for the first pictures of a page. */
  readonly eager = input(false);
  /** The largest picture of the first view. */
  readonly priority = input(false);
  protected readonly source = computed(() => {
    const url = this.url();
    return url ? sourceOf(url) : null;
  });
}
