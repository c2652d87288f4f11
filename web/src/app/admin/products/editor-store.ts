import type { HttpResponse } from '@angular/common/http';
import { HttpClient } from '@angular/common/http';
import { Injectable, inject, signal } from '@angular/core';
import { firstValueFrom } from 'rxjs';
import { randomKey } from '../../api/keys';
import type { Failure } from '../../api/problem';
import { failureOf } from '../../api/problem';
import type { Product } from '../../api/types';
import type { ProductDraft } from './product-form';
import { changesOf, variantName } from './product-form';

/** One product under its ETag. A change over somebody else's answers with both versions. */
@Injectable()
export class EditorStore {
  private readonly http = inject(HttpClient);
  private readonly found = signal<Product | null>(null);
  private readonly failed = signal<Failure | null>(null);
  private readonly other = signal<Product | null>(null);
  private readonly busy = signal(false);
  private etag = '';
  private otherEtag = '';

  readonly product = this.found.asReadonly();
  readonly failure = this.failed.asReadonly();
  /** The product as somebody else saved it meanwhile. */
  readonly conflict = this.other.asReadonly();
  readonly isBusy = this.busy.asReadonly();

  async open(productId: number): Promise<void> {
    this.failed.set(null);
    if (this.found()?.productId !== productId) this.found.set(null);
    try {
      const { product, etag } = await this.read(productId);
      this.found.set(product);
      this.etag = etag;
    } catch (error) {
      this.failed.set(failureOf(error));
    }
  }

  /** Reads a product whose values a new one begins with. */
  async readSample(productId: number): Promise<Product> {
    return (await this.read(productId)).product;
  }

  /** Creates a product; with `groupId` as a variant of that group. */
  create(draft: ProductDraft, stock: number, groupId: number | null): Promise<Product> {
    const { sku, slug, pictures, ...rest } = draft;
    const body = {
      ...rest,
      name: variantName(draft.name, draft.options),
      stock,
      ...(sku ? { sku } : {}),
      ...(slug ? { slug } : {}),
      ...(pictures.length > 0 ? { pictures } : {}),
      ...(groupId === null ? {} : { groupId }),
    };
    return this.whileBusy(() => firstValueFrom(this.http.post<Product>('/api/products', body, { headers: { 'Idempotency-Key': randomKey() } })));
  }

  /** Returns false if somebody else saved meanwhile; `conflict` then has their version. So do the other changes. */
  save(draft: ProductDraft): Promise<boolean> {
    const product = this.found();
    const changes = product ? changesOf(product, draft) : {};
    return Object.keys(changes).length === 0 ? Promise.resolve(true) : this.change('PATCH', '', changes);
  }

  /** Makes the product a variant beside `groupId`, a product, or with `null` a group of its own. */
  setGroup(groupId: number | null): Promise<boolean> {
    return this.change('PATCH', '', { groupId });
  }

  /** Adds a picture as the last one. */
  upload(file: File): Promise<boolean> {
    return this.change('POST', '/picture', file, file.type);
  }

  hide(): Promise<boolean> {
    return this.change('DELETE', '');
  }

  /** Puts a hidden product back into the shop, whatever somebody else did to it meanwhile. */
  async restore(): Promise<void> {
    const productId = this.found()?.productId;
    if (productId === undefined) return;
    await this.whileBusy(async () => this.take(await firstValueFrom(this.http.post<Product>(`/api/products/${productId}/restore`, {}, { observe: 'response' }))));
  }

  /** Takes the other version as the base; what the form holds is then saved over it. */
  rebase(): void {
    const theirs = this.other();
    if (!theirs) return;
    this.found.set(theirs);
    this.etag = this.otherEtag;
    this.other.set(null);
  }

  dismissConflict(): void {
    this.other.set(null);
  }

  adjusted(product: Product): void {
    this.found.update((before) => (before ? { ...before, stock: product.stock } : before));
  }

  private async read(productId: number): Promise<{ product: Product; etag: string }> {
    const response = await firstValueFrom(this.http.get<Product>(`/api/products/${productId}`, { observe: 'response', headers: { 'Cache-Control': 'no-cache' } }));
    return { product: response.body!, etag: response.headers.get('ETag') ?? '' };
  }

  private change(method: string, path: string, body?: unknown, contentType?: string): Promise<boolean> {
    const productId = this.found()?.productId;
    if (productId === undefined) return Promise.resolve(false);
    const headers: Record<string, string> = { 'If-Match': this.etag, ...(contentType ? { 'Content-Type': contentType } : {}) };
    return this.whileBusy(async () => {
      try {
        this.take(await firstValueFrom(this.http.request<Product>(method, `/api/products/${productId}${path}`, { body, headers, observe: 'response' })));
        return true;
      } catch (error) {
        if (failureOf(error).status !== 412) throw error;
        const { product: theirs, etag } = await this.read(productId);
        this.other.set(theirs);
        this.otherEtag = etag;
        return false;
      }
    });
  }

  private take(response: HttpResponse<Product>): void {
    // A deleted product has no body.
    if (response.body) this.found.set(response.body);
    this.etag = response.headers.get('ETag') ?? this.etag;
  }

  private async whileBusy<T>(run: () => Promise<T>): Promise<T> {
    this.busy.set(true);
    try {
      return await run();
    } finally {
      this.busy.set(false);
    }
  }
}
