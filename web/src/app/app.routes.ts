import type { Routes } from '@angular/router';
import { admin, customer } from './session/guards';
import type { TitleText } from './ui/page-title';

const titled = (title: TitleText) => ({ title });

/** Pages of the shop. The back office has a table of its own, which only admins load. */
export const routes: Routes = [
  { path: '', pathMatch: 'full', data: titled((t) => t.home.title), loadComponent: () => import('./catalog/home/home').then((m) => m.Home) },
  { path: 'c/:slug', data: titled((t) => t.catalog.allTitle), loadComponent: () => import('./catalog/catalog-page/catalog-page').then((m) => m.CatalogPage) },
  { path: 'search', data: titled((t) => t.catalog.searchTitle), loadComponent: () => import('./catalog/catalog-page/catalog-page').then((m) => m.CatalogPage) },
  { path: 'products/:slug', data: titled(() => ''), loadComponent: () => import('./catalog/product-page/product-page').then((m) => m.ProductPage) },
  { path: 'cart', data: titled((t) => t.cart.title), loadComponent: () => import('./cart/cart-page/cart-page').then((m) => m.CartPage) },
  { path: 'wishlist', canActivate: [customer], data: titled((t) => t.wishlist.title), loadComponent: () => import('./cart/wishlist-page/wishlist-page').then((m) => m.WishlistPage) },
  { path: 'buy-again', canActivate: [customer], data: titled((t) => t.buyAgain.title), loadComponent: () => import('./cart/buy-again-page/buy-again-page').then((m) => m.BuyAgainPage) },
  { path: 'checkout', data: titled((t) => t.checkout.title), loadComponent: () => import('./checkout/checkout-page/checkout-page').then((m) => m.CheckoutPage) },
  { path: 'orders', canActivate: [customer], data: titled((t) => t.orders.title), loadComponent: () => import('./orders/order-list/order-list').then((m) => m.OrderList) },
  { path: 'orders/:id/pay', canActivate: [customer], data: titled((t) => t.pay.title), loadComponent: () => import('./checkout/payment-page/payment-page').then((m) => m.PaymentPage) },
  { path: 'orders/:id', canActivate: [customer], data: titled((t) => t.orders.title), loadComponent: () => import('./orders/order-page/order-page').then((m) => m.OrderPage) },
  { path: 'notices', canActivate: [customer], data: titled((t) => t.notices.title), loadComponent: () => import('./account/notices-page/notices-page').then((m) => m.NoticesPage) },
  { path: 'account', canActivate: [customer], data: titled((t) => t.account.title), loadComponent: () => import('./account/account-page/account-page').then((m) => m.AccountPage) },
  { path: 'sign-in', data: titled((t) => t.account.signInTitle), loadComponent: () => import('./account/sign-in-page/sign-in-page').then((m) => m.SignInPage) },
  { path: 'register', data: titled((t) => t.account.registerTitle), loadComponent: () => import('./account/register-page/register-page').then((m) => m.RegisterPage) },
  { path: 'forgot-password', data: titled((t) => t.account.forgotTitle), loadComponent: () => import('./account/forgot-page/forgot-page').then((m) => m.ForgotPage) },
  { path: 'reset-password', data: titled((t) => t.account.resetTitle), loadComponent: () => import('./account/reset-page/reset-page').then((m) => m.ResetPage) },
  { path: 'offline', data: titled((t) => t.offline.title), loadComponent: () => import('./shell/offline-page').then((m) => m.OfflinePage) },
  { path: 'admin', canMatch: [admin], loadChildren: () => import('./admin/admin.routes').then((m) => m.routes) },
  { path: '**', data: titled((t) => t.notFound.title), loadComponent: () => import('./shell/not-found-page').then((m) => m.NotFoundPage) },
];
