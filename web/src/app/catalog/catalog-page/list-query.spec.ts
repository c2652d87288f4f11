import { convertToParamMap } from '@angular/router';
import { addressOf, readQuery, requestOf, withoutFilters } from './list-query';

const read = (params: Record<string, string | string[]>) => readQuery('kitchen', convertToParamMap(params));

describe('the address of a list', () => {
  it('holds all of its state, and is what the API is sent', () => {
    const query = read({ q: 'pan', minPrice: '1000', inStock: 'true', brand: 'Harrow & Pell', sort: '-price', page: '2' });
    expect(requestOf(query)).toEqual({ category: 'kitchen', q: 'pan', minPrice: 1000, inStock: true, brand: 'Harrow & Pell', sort: '-price', page: 2, size: 24 });
    expect(addressOf(query)).toEqual({ q: 'pan', minPrice: 1000, maxPrice: null, inStock: true, brand: 'Harrow & Pell', sort: '-price', page: 2 });
  });

  it('is short for a list without filters', () => {
    expect(requestOf(read({}))).toEqual({ category: 'kitchen', size: 24 });
    expect(Object.values(addressOf(read({}))).every((value) => value === null)).toBe(true);
  });

  it('ignores what it does not understand', () => {
    expect(read({ minPrice: '-1', maxPrice: '1e3', sort: 'random', page: 'x', inStock: '1', brand: ' ' })).toMatchObject({ minPrice: null, maxPrice: null, sort: 'relevance', page: 0, inStock: false, brand: null });
  });

  it('keeps words and order when filters are cleared', () => {
    const cleared = withoutFilters(read({ q: 'pan', brand: 'A', inStock: 'true', page: '3', sort: 'name' }));
    expect(addressOf(cleared)).toMatchObject({ q: 'pan', brand: null, inStock: null, page: null, sort: 'name' });
  });
});
