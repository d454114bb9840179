import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Page } from 'playwright-core';
import { expect } from 'vitest';
import { barriersOn } from './browser.ts';
import { results } from './evidence.ts';

/** Widths in pixels of a telephone, a small window and a large one. */
const widths = [390, 1024, 1920];

/** Each language in each theme. */
export const looks = (['en', 'ja'] as const).flatMap((language) =>
  [false, true].map((dark) => ({ language, dark, name: `${language}-${dark ? 'dark' : 'light'}` })),
);

/**
 * Looks at a page in three widths: nothing is wider than the window, and nothing keeps people out. A picture of each is kept in
 * `test-results/web/`, for people to look at.
 * @param name of the page, for the names of the files
 */
export async function expectWhole(page: Page, name: string): Promise<void> {
  // What is there does not depend on the width, and axe takes a while.
  await expect.poll(async () => await barriersOn(page)).toEqual([]);
  for (const width of widths) {
    await page.setViewportSize({ width, height: 800 });
    await expect
      .poll(async () => await page.evaluate('document.documentElement.scrollWidth'))
      .toBeLessThanOrEqual(width);
    const path = join(results, 'web', `${name}-${width}.png`);
    await mkdir(dirname(path), { recursive: true });
    await page.screenshot({ path, fullPage: true });
  }
}
