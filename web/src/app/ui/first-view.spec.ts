import { ChangeDetectionStrategy, Component, inject } from '@angular/core';
import { TestBed } from '@angular/core/testing';
import { Router } from '@angular/router';
import { afterEach, describe, expect, it } from 'vitest';
import { FirstView } from './first-view';

@Component({
  selector: 'app-long-page',
  template: `<p>first</p>
    @if (step() > 0) {
      <p>second</p>
    }
    @if (step() > 1) {
      <p>third</p>
    }`,
  changeDetection: ChangeDetectionStrategy.OnPush,
})
class LongPage {
  protected readonly step = inject(FirstView).steps(2);
}

function withFirstView(): HTMLElement {
  document.body.insertAdjacentHTML('beforeend', '<div id="first-view">as the gateway sent it</div><app-root hidden></app-root>');
  return document.querySelector('app-root')!;
}

describe('the first view', () => {
  afterEach(() => document.querySelectorAll('#first-view, body > app-root').forEach((element) => element.remove()));

  it('stays until the page is drawn, step by step', async () => {
    const root = withFirstView();
    const fixture = TestBed.createComponent(LongPage);
    const drawn: number[] = [];
    const observer = new MutationObserver(() => drawn.push(fixture.nativeElement.querySelectorAll('p').length));
    observer.observe(fixture.nativeElement, { childList: true, subtree: true });
    const replaced = TestBed.inject(FirstView).replace();
    void TestBed.inject(Router).navigateByUrl('/');
    expect(fixture.nativeElement.querySelectorAll('p')).toHaveLength(1);
    expect(root.hidden).toBe(true);
    await replaced;
    expect(drawn).toEqual([2, 3]);
    expect(document.getElementById('first-view')).toBeNull();
    expect(root.hidden).toBe(false);
  });

  it('lets later pages be drawn at once', async () => {
    withFirstView();
    void TestBed.inject(Router).navigateByUrl('/');
    await TestBed.inject(FirstView).replace();
    const fixture = TestBed.createComponent(LongPage);
    fixture.detectChanges();
    expect(fixture.nativeElement.querySelectorAll('p')).toHaveLength(3);
  });

  it('gives way at once where the gateway has sent none', async () => {
    document.body.insertAdjacentHTML('beforeend', '<div id="first-view"></div><app-root hidden></app-root>');
    await TestBed.inject(FirstView).replace();
    expect(document.querySelector<HTMLElement>('app-root')!.hidden).toBe(false);
    expect(document.getElementById('first-view')).toBeNull();
  });

  it('is not waited for where there is none', () => {
    const fixture = TestBed.createComponent(LongPage);
    fixture.detectChanges();
    expect(fixture.nativeElement.querySelectorAll('p')).toHaveLength(3);
  });
});
