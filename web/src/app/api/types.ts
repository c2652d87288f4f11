// Names for what the services send and receive.
import type { components } from './schema';

type Schemas = components['schemas'];

export type Money = Schemas['Money'];
export type Problem = Schemas['Problem'];
export interface Page<T> {
  items: T[];
  page: number;
  size: number;
  /** At most 10,000. */
  total: number;
  /** False if there are more than `total`. */
  totalIsExact: boolean;
}

export type Product = Schemas['ProductView'];
export type ProductPicture = Schemas['PictureView'];
export type ProductOption = Schemas['OptionView'];
export type Variant = Schemas['VariantView'];
export type Movement = Schemas['MovementView'];
export type BrandFacet = Schemas['BrandFacet'];
export type OptionFacet = Schemas['OptionFacet'];
export type CategoryFacet = Schemas['CategoryFacet'];
export type Facets = Schemas['FacetsView'];
/** Only a list by ids has no facets, and no page requests one. */
export type ProductList = Schemas['ProductList'] & { facets: Facets };
export type Category = Schemas['CategoryView'];

export type Suggestions = Schemas['Suggestions'];

export type CartItem = Schemas['CartItemView'];
export type Cart = Schemas['CartView'];
export type Wish = Schemas['WishView'];
export type Wishlist = Schemas['WishlistView'];

export type User = Schemas['UserView'];
export type Account = Schemas['AccountView'];
export type SignedIn = Schemas['SignedIn'];

export type Order = Schemas['Order'];
export type OrderStatus = Schemas['OrderStatus'];
export type OrderStep = Schemas['OrderStep'];
export type TimelineEntry = Schemas['TimelineEntry'];
export type ShippingAddress = Schemas['ShippingAddress'];
export type CancelReason = Schemas['CancelReason'];
export type Payment = Schemas['PaymentView'];
export type FailureCode = Schemas['FailureCode'];

export type Notice = Schemas['Notice'];
export type ReadNotices = Schemas['ReadNotices'];
export type NoticeKind = Schemas['Kind'];

export type VisitStep = Schemas['Step'];
export type VisitSource = Schemas['Source'];

export type TestCard = Schemas['TestCard'];
export type ShopFacts = Schemas['ShopView'];
