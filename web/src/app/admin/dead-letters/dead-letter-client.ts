import { HttpClient } from '@angular/common/http';
import { Injectable, inject } from '@angular/core';
import { firstValueFrom } from 'rxjs';
import type { components } from '../../api/schema';
import type { Page } from '../../api/types';

export type DeadLetter = components['schemas']['DeadLetter'];

/** The list of all services; each is shown, replayed and discarded by the service whose queue holds it. */
export const DEAD_LETTERS = '/api/admin/dead-letters';
const path = ({ service, deadLetterId }: DeadLetter) => `/api/admin/${service}/dead-letters/${deadLetterId}`;

@Injectable({ providedIn: 'root' })
export class DeadLetterClient {
  private readonly http = inject(HttpClient);

  /** Returns the number of dead letters of all services. */
  async count(): Promise<number> {
    return (await firstValueFrom(this.http.get<Page<DeadLetter>>(DEAD_LETTERS, { params: { size: 1 } }))).total;
  }

  /** Returns the letter with its payload. */
  show(letter: DeadLetter): Promise<DeadLetter> {
    return firstValueFrom(this.http.get<DeadLetter>(path(letter)));
  }

  replay(letter: DeadLetter): Promise<unknown> {
    return firstValueFrom(this.http.post(`${path(letter)}/replay`, {}));
  }

  discard(letter: DeadLetter): Promise<unknown> {
    return firstValueFrom(this.http.delete(path(letter)));
  }
}
