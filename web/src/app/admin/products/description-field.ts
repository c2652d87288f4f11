import { ChangeDetectionStrategy, Component, computed, effect, input, signal } from '@angular/core';
import { toObservable, toSignal } from '@angular/core/rxjs-interop';
import type { FormControl } from '@angular/forms';
import { startWith, switchMap } from 'rxjs';
import { adminTexts } from '../../i18n/admin-texts';
import { TextField } from '../../ui/text-field';

/** A description: plain text, or HTML with the view that the shop gives of it. */
@Component({
  selector: 'app-description-field',
  imports: [TextField],
  template: `
    <app-text-field [control]="isFormatted() ? html() : text()" [label]="a().products.description" [multiline]="true" [optional]="true"
      [hint]="isFormatted() ? a().products.htmlHint : ''" />
    <label class="check"><input type="checkbox" [checked]="isFormatted()" (change)="toggle()" />{{ a().products.formatted }}</label>
    @if (isFormatted() && typed()) {
      <section class="view" [attr.aria-label]="a().products.preview">
        <p class="muted small">{{ a().products.preview }}</p>
        <div class="html" [innerHTML]="typed()"></div>
      </section>
    }
  `,
  styles: `
    :host { display: block; }
    .view { border-inline-start: 3px solid var(--line-strong); padding-inline-start: 14px; overflow-wrap: anywhere; }
  `,
  changeDetection: ChangeDetectionStrategy.OnPush,
})
export class DescriptionField {
  readonly text = input.required<FormControl<string>>();
  /** Empty for a description without formatting. */
  readonly html = input.required<FormControl<string>>();
  protected readonly a = adminTexts();
  protected readonly isFormatted = signal(false);
  protected readonly typed = toSignal(toObservable(this.html).pipe(switchMap((control) => control.valueChanges.pipe(startWith(control.value)))), { initialValue: '' });
  private readonly isFilled = computed(() => this.typed() !== '');

  constructor() {
    // A product that was just opened or saved decides; one who has emptied the field goes on with HTML.
    effect(() => {
      const isFilled = this.isFilled();
      if (isFilled || this.html().pristine) this.isFormatted.set(isFilled);
    });
  }

  protected toggle(): void {
    const becomesFormatted = !this.isFormatted();
    this.isFormatted.set(becomesFormatted);
    this.html().setValue(becomesFormatted ? asHtml(this.text().value) : '');
    this.html().markAsDirty();
  }
}

/** Plain text as HTML that shows the same. */
export function asHtml(text: string): string {
  const escaped = text.trim().replace(/&/g, '&amp;').replace(/</g, '&lt;');
  if (escaped === '') return '';
  const paragraphs = escaped.split(/\n{2,}/).map((paragraph) => `<p>${paragraph.replace(/\n/g, '<br>')}</p>`);
  return paragraphs.join('\n');
}
