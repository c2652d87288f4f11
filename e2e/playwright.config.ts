import { defineConfig } from '@playwright/test';

/** Journeys against a shop that `support/shop.ts` starts, or against the one at SOUK_E2E_URL. */
export default defineConfig({
  testDir: './tests',
  globalSetup: './support/shop.ts',
  timeout: 60_000,
  expect: { timeout: 10_000 },
  // One shop, one limiter: tests run one after the other.
  workers: 1,
  fullyParallel: false,
  forbidOnly: !!process.env['CI'],
  reporter: [['list']],
  use: {
    browserName: 'chromium',
    viewport: { width: 1280, height: 900 },
    locale: 'en-GB',
    timezoneId: 'UTC',
    trace: 'retain-on-failure',
    screenshot: 'only-on-failure',
    launchOptions: { executablePath: process.env['SOUK_E2E_CHROMIUM'] ?? '/usr/bin/chromium', args: ['--no-sandbox'] },
  },
});
