import { ChangeDetectionStrategy, Component, computed, input } from '@angular/core';

const PATHS = {
  search: 'M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14Zm5-2 4.5 4.5',
  cart: 'M5.5 8h13l1 12h-15l1-12ZM9 8V7a3 3 0 0 1 6 0v1',
  user: 'M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8Zm-7.5 8c.6-3.6 3.6-5.5 7.5-5.5s6.900 1.900 7.500 5.500',
  heart: 'M12 20s-7.500-4.600-8.600-9.200C2.600 7.600 4.800 5 7.500 5c1.900 0 3.500 1 4.500 2.600C13 6 14.600 5 16.500 5c2.700 0 4.900 2.600 4.100 5.800C19.500 15.400 12 20 12 20Z',
  bell: 'M6 16.500V11a6 6 0 1 1 12 0v5.500l1.500 1.500h-15L6 16.500ZM10 20.500a2.200 2.200 0 0 0 4 0',
  close: 'M6 6l12 12M18 6 6 18',
  check: 'm5 12.500 4.500 4.500L19 7.500',
  plus: 'M12 5v14M5 12h14',
  minus: 'M5 12h14',
  trash: 'M5 7h14M10 7V5h4v2m-7.500 0 .8 12.500h9.400L17.500 7M10 11v5m4-5v5',
  left: 'm14.500 5-7 7 7 7',
  right: 'm9.500 5 7 7-7 7',
  down: 'm5 9 7 7 7-7',
  up: 'm5 15 7-7 7 7',
  clock: 'M12 20.500a8.500 8.500 0 1 0 0-17 8.500 8.500 0 0 0 0 17Zm0-13V12l3 2',
  info: 'M12 20.500a8.500 8.500 0 1 0 0-17 8.500 8.500 0 0 0 0 17ZM12 11v5m0-8.500v.5',
  warn: 'M12 4 2.800 20h18.400L12 4Zm0 6v5m0 2.200v.5',
  box: 'M4 8l8-4 8 4v8.500l-8 4-8-4V8Zm0 0 8 4 8-4m-8 4v8.500',
  truck: 'M3 6h11v10H3V6Zm11 4h4l3 3v3h-7v-6ZM7 19a2 2 0 1 0 0-4 2 2 0 0 0 0 4Zm10 0a2 2 0 1 0 0-4 2 2 0 0 0 0 4Z',
  card: 'M3 6.500h18v11H3v-11ZM3 10h18M6.500 14.500h4',
  filter: 'M4 7h16M7 12h10M10 17h4',
  menu: 'M4 7h16M4 12h16M4 17h16',
  edit: 'm5 19 .8-4L16 4.800l3.200 3.200L9 18.200 5 19Z',
  copy: 'M9 9h10v11H9V9Zm6 0V4H5v11h4',
  refresh: 'M19.500 12a7.500 7.500 0 1 1-2.400-5.500M19.500 4v4h-4',
  home: 'M4 11.500 12 4l8 7.500V20h-5.500v-5h-5v5H4v-8.500Z',
  grid: 'M4 4h7v7H4V4Zm9 0h7v7h-7V4ZM4 13h7v7H4v-7Zm9 0h7v7h-7v-7Z',
  list: 'M8 6h12M8 12h12M8 18h12M4 6h.5M4 12h.5M4 18h.5',
  tag: 'M4 4h8l8 8-8 8-8-8V4Zm4 4h.5',
  people: 'M9 11.500a3.500 3.500 0 1 0 0-7 3.500 3.500 0 0 0 0 7ZM3 19.500c.5-3.200 2.700-5 6-5s5.500 1.800 6 5m0-15a3.500 3.500 0 0 1 0 7m2.500 3.300c2 .6 3.200 2.200 3.500 4.700',
  mail: 'M3.500 6h17v12h-17V6Zm0 .5L12 13l8.500-6.500',
  dead: 'M4 7l8 6 8-6M4 6h16v6m-16-6v12h9m4-2 4 4m0-4-4 4',
  plug: 'M9 4v5m6-5v5M6.500 9h11v3a5.500 5.500 0 0 1-11 0V9ZM12 17.500V21',
  server: 'M4 5h16v6H4V5Zm0 8h16v6H4v-6Zm3.500-5H8m-.5 8H8',
  chart: 'M4 20V4m0 16h16M8 16v-5m4 5V7m4 9v-7',
  exit: 'M10 4H5v16h5M10 12h10m-4-4 4 4-4 4',
  eye: 'M2.500 12S6 5.500 12 5.500 21.500 12 21.500 12 18 18.500 12 18.500 2.500 12 2.500 12Zm9.500 3a3 3 0 1 0 0-6 3 3 0 0 0 0 6Z',
  play: 'M7 5v14l12-7L7 5Z',
  offline: 'M3 3l18 18M5 12.500a10 10 0 0 1 4-2.300M2 9a15 15 0 0 1 4.500-2.900M12 5.500c3.800 0 7.300 1.300 10 3.500m-3 3.500a10 10 0 0 0-3-2M8.500 16a5 5 0 0 1 7 0M12 19.500h.1',
  upload: 'M12 16V5m-5 5 5-5 5 5M4 16v4h16v-4',
  download: 'M12 5v11m-5-5 5 5 5-5M4 16v4h16v-4',
  return: 'M9 8 4.500 12.500 9 17M5 12.500h9a5.500 5.500 0 0 0 0-11h-1',
} as const;

export type IconName = keyof typeof PATHS;

/** A drawing beside a text or inside a labelled button; never a meaning of its own. */
@Component({
  selector: 'app-icon',
  template: `<svg [attr.width]="size()" [attr.height]="size()" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="1.75" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true" focusable="false">
    <path [attr.d]="path()" [attr.fill]="filled() ? 'currentColor' : null" />
  </svg>`,
  styles: ':host { display: inline-flex; flex: none; }',
  changeDetection: ChangeDetectionStrategy.OnPush,
})
export class Icon {
  readonly name = input.required<IconName>();
  readonly size = input(22);
  readonly filled = input(false);
  protected readonly path = computed(() => PATHS[this.name()]);
}
