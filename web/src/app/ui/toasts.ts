import { Injectable, signal } from '@angular/core';

export interface ToastAction {
  label: string;
  run: () => void;
}
/** The component that draws the messages. */
export interface ToastTarget {
  add: (message: { severity: string; summary: string; detail?: string; data?: ToastAction; life: number }) => void;
  clear: () => void;
}
export interface ToastContent {
  severity: 'success' | 'info' | 'warn' | 'error';
  summary: string;
  detail?: string;
  action?: ToastAction;
}

/** Short messages in the corner. The component that draws them is loaded with the first one. */
@Injectable({ providedIn: 'root' })
export class Toasts {
  private readonly used = signal(false);
  private readonly waiting: ToastContent[] = [];
  private area: ToastTarget | null = null;

  /** True once there was something to show. */
  readonly isUsed = this.used.asReadonly();

  show(content: ToastContent): void {
    if (!this.area) this.waiting.push(content);
    else this.add(content);
    this.used.set(true);
  }

  success(summary: string, action?: ToastAction): void {
    this.show({ severity: 'success', summary, action });
  }

  dismiss(): void {
    this.area?.clear();
  }

  /** Called by the component that draws the messages. */
  ready(area: ToastTarget): void {
    this.area = area;
    for (const content of this.waiting.splice(0)) this.add(content);
  }

  private add({ severity, summary, detail, action }: ToastContent): void {
    this.area?.add({ severity, summary, detail, data: action, life: action || severity === 'error' ? 8000 : 4500 });
  }
}
