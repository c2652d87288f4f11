import { ChangeDetectionStrategy, Component, ElementRef, computed, effect, inject, input, output, signal } from '@angular/core';
import type { FormArray } from '@angular/forms';
import { ReactiveFormsModule } from '@angular/forms';
import { adminTexts } from '../../i18n/admin-texts';
import { texts } from '../../i18n/i18n';
import { Announcer } from '../../ui/announcer';
import { Icon } from '../../ui/icon';
import { Picture } from '../../ui/picture';
import type { PictureRow } from './product-form';

/** Pictures of a product, the main one first: their order and texts are saved with the form, an upload at once. */
@Component({
  selector: 'app-picture-list',
  imports: [ReactiveFormsModule, Icon, Picture],
  template: `<section class="panel stack" aria-labelledby="product-pictures">
    <h2 id="product-pictures">{{ a().products.pictures }}</h2>
    @if (controls().length) {
      <ol role="list" class="stack-s">
        @for (row of controls(); track row; let i = $index) {
          <li class="picture-row">
            <app-picture [url]="row.controls.picture.value.url" [alt]="row.controls.alt.value || nameOf(i)" sizes="88px" />
            <div class="field">
              <label [attr.for]="'picture-alt-' + i">{{ nameOf(i) }}</label>
              <input [id]="'picture-alt-' + i" class="input" [formControl]="row.controls.alt" maxlength="500" [placeholder]="a().products.altText" />
              <div class="acts">
                <button type="button" class="icon-btn" [disabled]="i === 0" [attr.aria-label]="a().products.pictureUp(i + 1)" (click)="move(i, -1)"><app-icon name="up" [size]="20" /></button>
                <button type="button" class="icon-btn" [disabled]="i === controls().length - 1" [attr.aria-label]="a().products.pictureDown(i + 1)" (click)="move(i, 1)"><app-icon name="down" [size]="20" /></button>
                <button type="button" class="icon-btn" [attr.aria-label]="a().products.pictureRemove(i + 1)" (click)="remove(i)"><app-icon name="trash" [size]="20" /></button>
              </div>
            </div>
          </li>
        }
      </ol>
    } @else {
      <p class="muted">{{ a().products.noPictures }}</p>
    }
    <div class="field">
      <label for="product-picture">{{ a().products.upload }}</label>
      <input #file id="product-picture" type="file" accept="image/jpeg,image/png,image/webp" aria-describedby="picture-hint" (change)="choose(file)" />
      <p class="hint" id="picture-hint">{{ a().products.pictureHint }}</p>
    </div>
  </section>`,
  styles: `
    .picture-row { display: grid; grid-template-columns: 88px minmax(0, 1fr); gap: 12px; align-items: start; }
    .picture-row .picture { border-radius: var(--r-control); }
    .acts { display: flex; }
    .acts [disabled] { opacity: 0.35; cursor: default; }
  `,
  changeDetection: ChangeDetectionStrategy.OnPush,
})
export class PictureList {
  readonly rows = input.required<FormArray<PictureRow>>();
  readonly uploaded = output<File>();
  protected readonly a = adminTexts();
  protected readonly t = texts();
  private readonly version = signal(0);
  protected readonly controls = computed(() => {
    this.version();
    return [...this.rows().controls];
  });
  private readonly announcer = inject(Announcer);
  private readonly host = inject<ElementRef<HTMLElement>>(ElementRef);

  constructor() {
    // A form array is no signal, and the editor changes it as well: an upload, or the version of somebody else.
    effect((onCleanup) => {
      const changes = this.rows().valueChanges.subscribe(() => this.version.update((n) => n + 1));
      onCleanup(() => changes.unsubscribe());
    });
  }

  protected nameOf(i: number): string {
    return this.t().product.picture(i + 1, this.controls().length);
  }

  protected move(i: number, step: -1 | 1): void {
    const row = this.rows().at(i);
    this.rows().removeAt(i);
    this.rows().insert(i + step, row);
    this.announcer.say(this.nameOf(i + step));
    // The row moved with the pressed button; at an end, its opposite is what can be pressed.
    this.focus(i + step, step < 0 ? [0, 1] : [1, 0]);
  }

  protected remove(i: number): void {
    this.rows().removeAt(i);
    if (this.rows().length > 0) this.focus(Math.min(i, this.rows().length - 1), [2]);
    else setTimeout(() => this.host.nativeElement.querySelector<HTMLElement>('#product-picture')?.focus());
  }

  protected choose(field: HTMLInputElement): void {
    const file = field.files?.[0];
    if (file) this.uploaded.emit(file);
    // The same file can be chosen again after a failure.
    field.value = '';
  }

  private focus(row: number, buttons: number[]): void {
    setTimeout(() => {
      const all = this.host.nativeElement.querySelectorAll('.picture-row')[row]?.querySelectorAll<HTMLButtonElement>('.acts button');
      buttons.map((button) => all?.[button]).find((button) => button && !button.disabled)?.focus();
    });
  }
}
