import { eur } from '../../testing/samples';
import { choicesOf } from './product-store';

const variant = (productId: number, size: string, colour: string, stock = 1) => ({
  productId, slug: `p${productId}`, price: eur(100), stock, options: [{ name: 'Size', value: size }, { name: 'Colour', value: colour }],
});

describe('choices of a product', () => {
  const variants = [variant(1, 'S', 'red'), variant(2, 'M', 'red', 0), variant(3, 'M', 'blue'), variant(4, 'L', 'blue')];
  const choices = choicesOf({ options: variants[0]!.options, variants });

  it('keep the order of the file', () => {
    expect(choices.map((choice) => [choice.name, choice.values.map((value) => value.value)])).toEqual([['Size', ['S', 'M', 'L']], ['Colour', ['red', 'blue']]]);
  });

  it('lead to the variant that keeps the other options, else to one that has the value', () => {
    const [size, colour] = choices;
    expect(size?.values.map((value) => value.slug)).toEqual(['p1', 'p2', 'p4']);
    expect(colour?.values.map((value) => value.slug)).toEqual(['p1', 'p3']);
  });

  it('mark what is chosen and what is sold out', () => {
    expect(choices.map((choice) => choice.chosen)).toEqual(['S', 'red']);
    expect(choices[0]?.values).toMatchObject([{ isChosen: true, isSoldOut: false }, { isChosen: false, isSoldOut: true }, { isChosen: false }]);
  });

  it('are none for a product alone', () => {
    expect(choicesOf(null)).toEqual([]);
    expect(choicesOf({ options: [], variants: [variants[0]!] })).toEqual([]);
  });
});
