import { definePreset } from '@primeuix/themes';
import base from '@primeuix/themes/aura/base';
import button from '@primeuix/themes/aura/button';
import dialog from '@primeuix/themes/aura/dialog';
import drawer from '@primeuix/themes/aura/drawer';
import inputtext from '@primeuix/themes/aura/inputtext';
import toast from '@primeuix/themes/aura/toast';
import toggleswitch from '@primeuix/themes/aura/toggleswitch';

const option = {
  focusBackground: 'var(--wash)',
  selectedBackground: 'var(--brand-wash)',
  selectedFocusBackground: 'var(--brand-wash)',
  color: 'var(--ink)',
  focusColor: 'var(--ink)',
  selectedColor: 'var(--brand)',
  selectedFocusColor: 'var(--brand)',
};
const surface = { background: 'var(--surface)', borderColor: 'var(--line)', color: 'var(--ink)' };

/** Light and dark are the same here: the tokens themselves are `light-dark()`. */
const scheme = {
  primary: { color: 'var(--brand)', contrastColor: 'var(--on-brand)', hoverColor: 'var(--brand-hover)', activeColor: 'var(--brand-hover)' },
  highlight: { background: 'var(--brand-wash)', focusBackground: 'var(--brand-wash)', color: 'var(--brand)', focusColor: 'var(--brand)' },
  mask: { background: 'rgb(21 18 21 / 55%)', color: 'var(--ink)' },
  formField: {
    background: 'var(--surface)',
    disabledBackground: 'var(--wash)',
    filledBackground: 'var(--surface)',
    filledHoverBackground: 'var(--surface)',
    filledFocusBackground: 'var(--surface)',
    borderColor: 'var(--line-strong)',
    hoverBorderColor: 'var(--ink-2)',
    focusBorderColor: 'var(--brand)',
    color: 'var(--ink)',
    disabledColor: 'var(--ink-2)',
    placeholderColor: 'var(--ink-2)',
    iconColor: 'var(--ink-2)',
    invalidBorderColor: 'var(--bad)',
    invalidPlaceholderColor: 'var(--ink-2)',
    shadow: 'none',
  },
  text: { color: 'var(--ink)', hoverColor: 'var(--ink)', mutedColor: 'var(--ink-2)', hoverMutedColor: 'var(--ink)' },
  content: { background: 'var(--surface)', hoverBackground: 'var(--wash)', borderColor: 'var(--line)', color: 'var(--ink)', hoverColor: 'var(--ink)' },
  overlay: { select: surface, popover: surface, modal: surface },
  list: { option, optionGroup: { background: 'transparent', color: 'var(--ink-2)' } },
  navigation: {
    item: { focusBackground: 'var(--wash)', activeBackground: 'var(--wash)', color: 'var(--ink)', focusColor: 'var(--ink)', activeColor: 'var(--ink)' },
  },
};

const toastColours = (name: string) => ({
  background: 'var(--surface)',
  borderColor: `var(--${name})`,
  color: `var(--${name})`,
  detailColor: 'var(--ink)',
  shadow: 'var(--overlay-shadow)',
  closeButton: { hoverBackground: 'var(--wash)', focusRing: { color: `var(--${name})`, shadow: 'none' } },
});
const toasts = { info: toastColours('info'), success: toastColours('ok'), warn: toastColours('warn'), error: toastColours('bad') };

const switches = {
  root: { background: 'var(--line-strong)', hoverBackground: 'var(--ink-2)', checkedBackground: 'var(--brand)', checkedHoverBackground: 'var(--brand-hover)' },
  handle: { background: 'var(--surface)', hoverBackground: 'var(--surface)', checkedBackground: 'var(--on-brand)', checkedHoverBackground: 'var(--on-brand)' },
};

/** Theme of PrimeNG: only the parts that are used. */
export const preset = definePreset(
  { ...base, components: { button, dialog, drawer, inputtext, toast, toggleswitch } },
  {
    semantic: {
      focusRing: { width: '2px', style: 'solid', color: 'var(--brand)', offset: '2px' },
      formField: { paddingX: '0.875rem', paddingY: '0.625rem', borderRadius: 'var(--r-control)' },
      colorScheme: { light: scheme, dark: scheme },
    },
    components: {
      button: { root: { paddingY: '0.6875rem', paddingX: '1.375rem', borderRadius: '999px', label: { fontWeight: '600' } } },
      toast: { colorScheme: { light: toasts, dark: toasts } },
      toggleswitch: { colorScheme: { light: switches, dark: switches } },
    },
  },
);
