/** Every page, as its path; `:order` stands for an order of the signed-in customer. */
export const PUBLIC = ['/', '/c/kitchen', '/search?brand=Knotwire', '/search?q=pan', '/search?q=zzzz', '/products/:product', '/products/:variant', '/cart', '/checkout', '/sign-in', '/register', '/forgot-password', '/reset-password?token=x', '/offline', '/nowhere'];
export const CUSTOMER = ['/cart', '/checkout', '/wishlist', '/buy-again', '/orders', '/orders/:order', '/orders/:unpaid/pay', '/notices', '/account'];
export const ADMIN = [
  '/admin',
  '/admin/orders',
  '/admin/orders/:order',
  '/admin/products',
  '/admin/products/:productId',
  '/admin/products?hidden=true',
  '/admin/products/new',
  '/admin/products/new?like=:productId',
  '/admin/products/import',
  '/admin/categories',
  '/admin/customers',
  '/admin/notices',
  '/admin/dead-letters',
  '/admin/breakers',
  '/admin/services',
];
