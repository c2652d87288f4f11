import { inject } from '@angular/core';
import type { Routes } from '@angular/router';
import { AdminTexts } from '../i18n/admin-texts';
import type { AdminDictionary } from '../i18n/admin.en';
import { I18n } from '../i18n/i18n';

/** Titles are functions of the shop's texts; those of the back office are read when they are needed. */
function titled(key: keyof AdminDictionary['nav']) {
  let texts: AdminTexts | null = null;
  return {
    data: { title: () => (texts?.isLoaded() ? texts.a().nav[key] : '') },
    resolve: {
      texts: async () => {
        texts = inject(AdminTexts);
        const { language } = inject(I18n);
        if (!texts.isLoaded()) await texts.load(language());
        return true;
      },
    },
  };
}

export const routes: Routes = [
  {
    path: '',
    loadComponent: () => import('./frame').then((m) => m.AdminFrame),
    children: [
      { path: '', pathMatch: 'full', ...titled('dashboard'), loadComponent: () => import('./dashboard/dashboard').then((m) => m.Dashboard) },
      { path: 'orders', ...titled('orders'), loadComponent: () => import('./orders/admin-orders').then((m) => m.AdminOrders) },
      { path: 'orders/:id', ...titled('orders'), loadComponent: () => import('./orders/admin-order').then((m) => m.AdminOrder) },
      { path: 'products', ...titled('products'), loadComponent: () => import('./products/admin-products').then((m) => m.AdminProducts) },
      { path: 'products/import', ...titled('products'), loadComponent: () => import('./products/import-page').then((m) => m.ImportPage) },
      { path: 'products/new', ...titled('products'), loadComponent: () => import('./products/product-editor').then((m) => m.ProductEditor) },
      { path: 'products/:id', ...titled('products'), loadComponent: () => import('./products/product-editor').then((m) => m.ProductEditor) },
      { path: 'categories', ...titled('categories'), loadComponent: () => import('./categories/categories-page').then((m) => m.CategoriesPage) },
      { path: 'customers', ...titled('customers'), loadComponent: () => import('./customers/customers-page').then((m) => m.CustomersPage) },
      { path: 'notices', ...titled('notices'), loadComponent: () => import('./notices/mails-page').then((m) => m.MailsPage) },
      { path: 'dead-letters', ...titled('deadLetters'), loadComponent: () => import('./dead-letters/dead-letters-page').then((m) => m.DeadLettersPage) },
      { path: 'breakers', ...titled('breakers'), loadComponent: () => import('./operations/breakers-page').then((m) => m.BreakersPage) },
      { path: 'services', ...titled('services'), loadComponent: () => import('./operations/services-page').then((m) => m.ServicesPage) },
    ],
  },
];
