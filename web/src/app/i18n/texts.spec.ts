import firstView from '../../../first-view/texts.json';
import { de } from './de';
import { en } from './en';

const languages = { en, de };

describe('texts of the first view', () => {
  it.each(['en', 'de'] as const)('are those of the application (%s)', (language) => {
    const t = languages[language];
    const view = firstView[language];
    expect(view).toMatchObject({
      home: t.header.home('{shop}'),
      homePage: t.common.home,
      search: t.header.search,
      searchPlaceholder: t.header.searchPlaceholder,
      account: t.header.account,
      signIn: t.header.signIn,
      cart: t.header.cart,
      departments: t.header.departments,
      eyebrow: t.home.eyebrow,
      heading: t.home.heading,
      cta: t.home.cta,
      bestsellers: t.home.bestsellers,
      seeAll: t.home.seeAll,
      from: t.card.from,
      was: t.card.was,
      soldOut: t.card.soldOut,
      sale: t.card.sale,
      included: t.product.included,
    });
    expect(view.lead.replace('{n}', '7')).toBe(t.home.lead(7));
    expect(view.product.replace('{n}', '1')).toBe(t.catalog.results(1));
    expect(view.products.replace('{n}', '7')).toBe(t.catalog.results(7));
  });
});
