import { HttpClient } from '@angular/common/http';
import { Injectable, inject } from '@angular/core';
import { firstValueFrom } from 'rxjs';
import type { User } from '../api/types';
import type { Language } from '../i18n/i18n';

/** Changes of the own account. */
@Injectable({ providedIn: 'root' })
export class AccountClient {
  private readonly http = inject(HttpClient);

  change(change: { username?: string; email?: string; current?: string; language?: Language }): Promise<User> {
    return firstValueFrom(this.http.patch<User>('/api/auth/me', change));
  }

  changePassword(current: string, next: string): Promise<unknown> {
    return firstValueFrom(this.http.post('/api/auth/password', { current, new: next }));
  }

  /** The answer is the same whether the address has an account or not. */
  forgot(email: string): Promise<unknown> {
    return firstValueFrom(this.http.post('/api/auth/password/forgot', { email }));
  }

  reset(token: string, next: string): Promise<unknown> {
    return firstValueFrom(this.http.post('/api/auth/password/reset', { token, new: next }));
  }
}
