import { HttpClient } from '@angular/common/http';
import { Injectable, inject } from '@angular/core';
import { firstValueFrom } from 'rxjs';
import type { Page } from '../../api/types';

/** Services that consume events. */
const SERVICES = ['auth', 'product', 'order', 'cart', 'payment', 'notification'] as const;

export interface DeadLetter {
  deadLetterId: string;
  queue: string;
  attempts: number;
  error: string;
  diedAt: string;
  envelope?: { type: string; subject?: string } & Record<string, unknown>;
  raw?: string;
}
export interface ServiceLetter extends DeadLetter {
  service: string;
}

/** Dead letters of all services. */
@Injectable({ providedIn: 'root' })
export class DeadLetterClient {
  private readonly http = inject(HttpClient);

  /** Returns the letters, newest first, and the services that did not answer. */
  async list(): Promise<{ letters: ServiceLetter[]; missing: string[] }> {
    const answers = await Promise.allSettled(
      SERVICES.map((service) => firstValueFrom(this.http.get<Page<DeadLetter>>(`/api/admin/${service}/dead-letters`))),
    );
    if (answers.every((answer) => answer.status === 'rejected')) throw answers.find((answer) => answer.status === 'rejected')?.reason;
    const letters = answers.flatMap((answer, i) =>
      answer.status === 'fulfilled' ? answer.value.items.map((letter) => ({ ...letter, service: SERVICES[i] ?? '' })) : [],
    );
    return {
      letters: letters.sort((a, b) => b.diedAt.localeCompare(a.diedAt)),
      missing: SERVICES.filter((_, i) => answers[i]?.status === 'rejected'),
    };
  }

  replay({ service, deadLetterId }: ServiceLetter): Promise<unknown> {
    return firstValueFrom(this.http.post(`/api/admin/${service}/dead-letters/${deadLetterId}/replay`, {}));
  }

  discard({ service, deadLetterId }: ServiceLetter): Promise<unknown> {
    return firstValueFrom(this.http.delete(`/api/admin/${service}/dead-letters/${deadLetterId}`));
  }
}
