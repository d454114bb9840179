import type { Browser } from 'playwright-core';
import { afterAll, beforeAll } from 'vitest';
import { hasBrowser, startBrowser } from './browser.ts';

/** Whether tests with a browser are skipped. In CI it must be there: ./run installs it. */
export const skipsBrowser = !hasBrowser && process.env['CI'] !== 'true';

/** One browser for all tests of a file. */
export function useBrowser(): () => Browser {
  let browser: Browser | undefined;
  beforeAll(async () => {
    if (!skipsBrowser) browser = await startBrowser();
  });
  afterAll(async () => await browser?.close());
  return () => {
    if (!browser) throw new Error('The browser has not started.');
    return browser;
  };
}
