import { TestBed } from '@angular/core/testing';
import { provideHttpClient, withInterceptors } from '@angular/common/http';
import type { Backend } from '../../testing/page';
import { fakeShop } from '../../testing/page';
import { eur, product } from '../../testing/samples';
import { EditorStore } from './editor-store';
import { changesOf, draftOf, fillForm, fillVariant, productForm, variantName } from './product-form';

const options = [{ name: 'Size', value: '26 cm' }];

function draftLike(change: Parameters<typeof product>[0] = {}) {
  const form = productForm();
  fillForm(form, product(change));
  return draftOf(form, 'EUR')!;
}

function open(backend: Backend) {
  const { requests, interceptor } = fakeShop(backend);
  TestBed.configureTestingModule({ providers: [EditorStore, provideHttpClient(withInterceptors([interceptor]))] });
  return { store: TestBed.inject(EditorStore), requests };
}

describe('the form of a product', () => {
  it('holds what the product has, and sends only what changed', () => {
    const full = product({ brand: 'Maker', tags: ['a', 'b'], options, compareAtPrice: eur(5000), pictures: [{ url: '/a.svg', alt: 'A', width: 10, height: null }] });
    const form = productForm();
    fillForm(form, full);
    expect(changesOf(full, draftOf(form, 'EUR')!)).toEqual({});
    form.patchValue({ name: 'Pot', brand: '', compareAtPrice: '', tags: 'b, , b,c' });
    form.controls.pictures.at(0).controls.alt.setValue('Side');
    expect(changesOf(full, draftOf(form, 'EUR')!)).toEqual({
      name: 'Pot', brand: null, compareAtPrice: null, tags: ['b', 'c'], pictures: [{ url: '/a.svg', alt: 'Side', width: 10, height: null }],
    });
  });

  it('sends a formatted description as HTML alone', () => {
    const full = product({ description: 'Two litres.', descriptionHtml: '<p>Two litres.</p>' });
    const form = productForm();
    fillForm(form, full);
    expect(changesOf(full, draftOf(form, 'EUR')!)).toEqual({});
    form.controls.descriptionHtml.setValue(' <p>Three litres.</p> ');
    expect(changesOf(full, draftOf(form, 'EUR')!)).toEqual({ descriptionHtml: '<p>Three litres.</p>' });
    form.controls.descriptionHtml.setValue('');
    expect(changesOf(full, draftOf(form, 'EUR')!)).toEqual({ descriptionHtml: '' });
  });

  it('does not count the order of attributes, nor rows that are not filled in', () => {
    const form = productForm();
    fillForm(form, product({ attributes: { Weight: '900 g', Colour: 'Blue' } }));
    form.controls.attributes.at(0).setValue({ name: 'Weight', value: ' ' });
    expect(draftOf(form, 'EUR')?.attributes).toEqual({ Colour: 'Blue' });
    expect(changesOf(product({ attributes: { B: '2', A: '1' } }), draftLike({ attributes: { A: '1', B: '2' } }))).toEqual({});
  });

  it('is empty for a price that is no amount', () => {
    const form = productForm();
    fillForm(form, product());
    form.controls.compareAtPrice.setValue('ten');
    expect(draftOf(form, 'EUR')).toBeNull();
  });

  it('begins another version with what the versions share', () => {
    const form = productForm();
    fillVariant(form, product({ name: 'Pan – 26 cm', groupName: 'Pan', options, compareAtPrice: eur(9000) }));
    const { name, sku, slug, compareAtPrice, stock, brand } = form.getRawValue();
    expect({ name, sku, slug, compareAtPrice, stock, brand }).toEqual({ name: 'Pan', sku: '', slug: '', compareAtPrice: '', stock: '0', brand: 'Harrow & Pell' });
    expect(form.controls.options.getRawValue()).toEqual([{ name: 'Size', value: '' }]);
    expect(form.controls.pictures).toHaveLength(0);
    expect(form.controls.attributes.getRawValue()).toEqual([{ name: 'Weight', value: '900 g' }]);
  });

  it('names a version by its options, once', () => {
    expect(variantName('Pan', options)).toBe('Pan – 26 cm');
    expect(variantName('Pan – 26 cm', options)).toBe('Pan – 26 cm');
    expect(variantName('Pan', [])).toBe('Pan');
  });
});

describe('the editor', () => {
  it('shows both versions when somebody else saved, and saves over theirs only then', async () => {
    const { store, requests } = open([[/GET/, { body: product(), headers: { ETag: '"v1.12"' } }]]);
    await store.open(11);
    requests.answer = [[/PATCH/, { status: 412, code: 'if_match.stale' }], [/GET/, { body: product({ name: 'Theirs' }), headers: { ETag: '"v2.12"' } }]];
    expect(await store.save(draftLike({ name: 'Mine' }))).toBe(false);
    expect(store.conflict()?.name).toBe('Theirs');
    store.rebase();
    requests.answer = [[/PATCH/, { body: product({ name: 'Mine' }), headers: { ETag: '"v3.12"' } }]];
    expect(await store.save(draftLike({ name: 'Mine' }))).toBe(true);
    const patches = requests.sent.filter((request) => request.method === 'PATCH');
    expect(patches.map((request) => request.headers['If-Match'])).toEqual(['"v1.12"', '"v2.12"']);
    expect(patches[1]?.body).toEqual({ name: 'Mine' });
  });

  it('puts a hidden product back, and goes on under its new tag', async () => {
    const { store, requests } = open([[/GET/, { body: product({ hidden: true }), headers: { ETag: '"v1.12"' } }]]);
    await store.open(11);
    expect(store.product()?.hidden).toBe(true);
    requests.answer = [[/POST .*restore/, { body: product({ hidden: false }), headers: { ETag: '"v2.12"' } }], [/PATCH/, { body: product({ name: 'Mine' }) }]];
    await store.restore();
    expect(store.product()?.hidden).toBe(false);
    await store.save(draftLike({ name: 'Mine' }));
    expect(requests.sent.at(-1)?.headers['If-Match']).toBe('"v2.12"');
  });

  it('changes group and pictures under the same tag, and notices who was faster', async () => {
    const { store, requests } = open([[/GET/, { body: product(), headers: { ETag: '"v1.12"' } }], [/PATCH/, { body: product({ groupId: 12 }), headers: { ETag: '"v2.12"' } }]]);
    await store.open(11);
    expect(await store.setGroup(12)).toBe(true);
    requests.answer = [[/POST .*picture/, { status: 412 }], [/GET/, { body: product({ name: 'Theirs' }) }]];
    expect(await store.upload(new File(['x'], 'x.png', { type: 'image/png' }))).toBe(false);
    expect(store.conflict()?.name).toBe('Theirs');
    const changes = requests.sent.filter(({ method }) => method !== 'GET');
    expect(changes.map(({ headers }) => headers['If-Match'])).toEqual(['"v1.12"', '"v2.12"']);
    expect(changes[0]?.body).toEqual({ groupId: 12 });
    expect(changes[1]?.headers['Content-Type']).toBe('image/png');
  });

  it('creates a version in the group, without the fields that the shop shall make', async () => {
    const { store, requests } = open([[/POST/, { body: product() }]]);
    await store.create({ ...draftLike({ name: 'Pan', options, pictures: [] }), sku: '', slug: '' }, 4, 11);
    const body = requests.sent[0]?.body as Record<string, unknown>;
    expect(body).toMatchObject({ name: 'Pan – 26 cm', stock: 4, groupId: 11, options });
    for (const field of ['sku', 'slug', 'pictures']) expect(body).not.toHaveProperty(field);
  });
});
