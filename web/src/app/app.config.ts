import { provideHttpClient, withFetch, withInterceptors } from '@angular/common/http';
import type { ApplicationConfig } from '@angular/core';
import { inject, provideAppInitializer, provideBrowserGlobalErrorListeners, provideZonelessChangeDetection } from '@angular/core';
import { TitleStrategy, provideRouter, withComponentInputBinding, withDisabledInitialNavigation, withInMemoryScrolling, withNavigationErrorHandler } from '@angular/router';
import { firstData } from './api/first-data';
import { routes } from './app.routes';
import { I18n } from './i18n/i18n';
import { bearer } from './session/bearer';
import { reloadOnce } from './shell/missing-chunk';
import { Preferences } from './shell/preferences';
import { PageTitle } from './ui/page-title';

export const appConfig: ApplicationConfig = {
  providers: [
    provideZonelessChangeDetection(),
    provideBrowserGlobalErrorListeners(),
    provideHttpClient(withFetch(), withInterceptors([firstData, bearer])),
    provideRouter(
      routes,
      withComponentInputBinding(),
      // The frame of the pages starts it, once it is drawn.
      withDisabledInitialNavigation(),
      withInMemoryScrolling({ scrollPositionRestoration: 'disabled', anchorScrolling: 'disabled' }),
      withNavigationErrorHandler((failure) => reloadOnce(failure.error)),
    ),
    { provide: TitleStrategy, useExisting: PageTitle },
    provideAppInitializer(() => {
      inject(Preferences).start();
      return inject(I18n).start();
    }),
  ],
};
