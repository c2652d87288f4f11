import { ChangeDetectionStrategy, Component, ElementRef, computed, input, linkedSignal, viewChild } from '@angular/core';
import type { ProductPicture } from '../../api/types';
import { texts } from '../../i18n/i18n';
import { Icon } from '../../ui/icon';
import { Picture } from '../../ui/picture';

/** Pictures of a product: one large with small ones below it; on a phone a strip that is swiped. */
@Component({
  selector: 'app-gallery',
  imports: [Icon, Picture],
  template: `<div class="gallery" role="group" [attr.aria-label]="t().product.gallery">
    <ul #strip class="strip" role="list" [attr.tabindex]="shown().length > 1 ? 0 : null" (scroll)="scrolled()" [attr.aria-label]="t().product.gallery">
      @for (picture of shown(); track picture.url; let i = $index) {
        <li>
          <app-picture [url]="picture.url" [alt]="altOf(picture, i)" [eager]="i === 0" [priority]="i === 0" sizes="(min-width: 1024px) 680px, 92vw" />
        </li>
      }
    </ul>
    @if (shown().length > 1) {
      <button type="button" class="next" [attr.aria-label]="t().product.nextPicture(index() + 1, shown().length)" (click)="go((index() + 1) % shown().length)">
        <span class="num">{{ index() + 1 }} / {{ shown().length }}</span><app-icon name="right" [size]="16" />
      </button>
      <div class="thumbs">
        @for (picture of shown(); track picture.url; let i = $index) {
          <button type="button" [attr.aria-label]="t().product.picture(i + 1, shown().length)" [attr.aria-current]="i === index() ? 'true' : null" (click)="go(i)">
            <app-picture [url]="picture.url" sizes="88px" />
          </button>
        }
      </div>
    }
  </div>`,
  styles: `
    .strip { display: flex; overflow-x: auto; scroll-snap-type: x mandatory; scrollbar-width: none; list-style: none; border-radius: var(--r-picture); }
    .strip li { flex: 0 0 100%; scroll-snap-align: start; }
    /* In one column, a row of small pictures would push heading and price down, which the first view shows already. */
    .thumbs { display: none; flex-wrap: wrap; gap: 12px; margin-top: 12px; }
    .thumbs button { padding: 0; width: 92px; border: 2px solid transparent; border-radius: 10px; background: none; }
    .thumbs button[aria-current] { border-color: var(--brand); }
    .thumbs .picture { border-radius: var(--r-control); }
    :host { position: relative; display: block; }
    .next { position: absolute; right: 12px; bottom: 12px; display: inline-flex; align-items: center; gap: 6px; min-height: 44px; padding: 0 14px; border: 1px solid var(--line-strong); border-radius: 999px; background: var(--surface); color: var(--ink); font-weight: 600; }
    @media (min-width: 1024px) {
      .thumbs { display: flex; }
      .next { display: none; }
    }
  `,
  host: { class: 'gallery' },
  changeDetection: ChangeDetectionStrategy.OnPush,
})
export class Gallery {
  readonly pictures = input.required<ProductPicture[]>();
  readonly name = input.required<string>();
  protected readonly t = texts();
  protected readonly shown = computed(() => (this.pictures().length > 0 ? this.pictures() : [{ url: '', alt: '' }]));
  protected readonly index = linkedSignal({ source: () => this.pictures()[0]?.url, computation: () => 0 });
  private readonly strip = viewChild.required<ElementRef<HTMLElement>>('strip');

  /** A picture without a text is described by the name, and by its number where there are several. */
  protected altOf({ alt }: ProductPicture, i: number): string {
    return alt || (i === 0 ? this.name() : `${this.name()}, ${this.t().product.picture(i + 1, this.shown().length)}`);
  }

  protected go(index: number): void {
    const strip = this.strip().nativeElement;
    strip.scrollTo({ left: index * strip.clientWidth });
    this.index.set(index);
  }

  protected scrolled(): void {
    const strip = this.strip().nativeElement;
    if (strip.clientWidth > 0) this.index.set(Math.round(strip.scrollLeft / strip.clientWidth));
  }
}
