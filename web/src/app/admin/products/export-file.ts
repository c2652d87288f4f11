import { HttpClient } from '@angular/common/http';
import { DOCUMENT, Injectable, inject } from '@angular/core';
import { firstValueFrom } from 'rxjs';

/** Time after which a browser has certainly read a file that it was given to save. */
const KEPT_MS = 60_000;

/** The catalogue as a CSV file. Its route requires a token, which a link cannot send: the file is fetched, then saved. */
@Injectable({ providedIn: 'root' })
export class ExportFile {
  private readonly http = inject(HttpClient);
  private readonly document = inject(DOCUMENT);

  async save(): Promise<void> {
    const content = await firstValueFrom(this.http.get('/api/products/export', { responseType: 'blob' }));
    const url = URL.createObjectURL(content);
    const link = this.document.createElement('a');
    link.href = url;
    link.download = `products-${new Date().toISOString().slice(0, 10)}.csv`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(url), KEPT_MS);
  }
}
