import { convertToParamMap } from '@angular/router';
import { addressOf, readQuery, removedOptions, requestOf, toggled, withOption, withoutFilters } from './list-query';

const read = (params: Record<string, string | string[]>) => readQuery('kitchen', convertToParamMap(params));

describe('the address of a list', () => {
  it('holds all of its state, and is what the API is sent', () => {
    const query = read({ q: 'pan', minPrice: '1000', inStock: 'true', brand: ['Harrow & Pell', 'Ostra', 'Ostra'], 'option.Size': ['26 cm', ' '], 'option.': 'x', sort: '-price', page: '2' });
    expect(requestOf(query)).toEqual({ category: 'kitchen', q: 'pan', minPrice: 1000, inStock: true, brand: ['Harrow & Pell', 'Ostra'], 'option.Size': ['26 cm'], sort: '-price', page: 2, size: 24 });
    expect(addressOf(query)).toEqual({ q: 'pan', minPrice: 1000, maxPrice: null, inStock: true, brand: ['Harrow & Pell', 'Ostra'], 'option.Size': ['26 cm'], sort: '-price', page: 2 });
  });

  it('is short for a list without filters', () => {
    expect(requestOf(read({}))).toEqual({ category: 'kitchen', size: 24 });
    expect(Object.values(addressOf(read({}))).every((value) => value === null)).toBe(true);
  });

  it('ignores what it does not understand', () => {
    expect(read({ minPrice: '-1', maxPrice: '1e3', sort: 'random', page: 'x', inStock: '1', brand: ' ' })).toMatchObject({ minPrice: null, maxPrice: null, sort: 'relevance', page: 0, inStock: false, brands: [], options: {} });
  });

  it('keeps words and order when filters are cleared', () => {
    const before = read({ q: 'pan', brand: 'A', 'option.Size': 'L', inStock: 'true', page: '3', sort: 'name' });
    const cleared = withoutFilters(before);
    expect(removedOptions(before, cleared)).toEqual({ 'option.Size': null });
    expect(addressOf(cleared)).toMatchObject({ q: 'pan', brand: null, inStock: null, page: null, sort: 'name' });
  });

  it('adds and removes values', () => {
    expect(toggled(['a'], 'b')).toEqual(['a', 'b']);
    expect(toggled(['a', 'b'], 'a')).toEqual(['b']);
    expect(withOption({ Size: ['L'] }, 'Colour', 'Red')).toEqual({ Size: ['L'], Colour: ['Red'] });
    expect(withOption({ Size: ['L'], Colour: ['Red'] }, 'Size', 'L')).toEqual({ Colour: ['Red'] });
  });
});
