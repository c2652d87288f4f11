import { inject } from '@angular/core';
import type { CanActivateFn, CanMatchFn } from '@angular/router';
import { Router } from '@angular/router';
import { Session } from './session';

/** Lets customers in; sends others to the sign-in page, which leads back. */
export const customer: CanActivateFn = async (_route, state) => {
  const session = inject(Session);
  const router = inject(Router);
  await session.restore();
  return session.isCustomer() || router.createUrlTree(['/sign-in'], { queryParams: { returnUrl: state.url } });
};

/** For others than admins the back office does not exist: they get the page for unknown addresses. */
export const admin: CanMatchFn = async () => {
  const session = inject(Session);
  await session.restore();
  return session.isAdmin();
};

/** Returns `url` if it is a path of this shop, else `/`. Protects against links that lead elsewhere after sign-in. */
export function ownPath(url: string | null | undefined): string {
  return url && /^\/(?![/\\])/.test(url) ? url : '/';
}
