import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, onTestFinished } from 'vitest';
import { complaintsOf, hasBrowser, startBrowser } from '../support/browser.ts';
import { homeTest } from '../support/home-test.ts';
import type { TestHome } from '../support/home.ts';

const isSkipped = !hasBrowser && process.env['CI'] !== 'true';

let browser: Browser;
beforeAll(async () => {
  if (!isSkipped) browser = await startBrowser();
});
afterAll(async () => {
  if (!isSkipped) await browser.close();
});

async function opened(home: TestHome): Promise<Page> {
  const context = await browser.newContext({ locale: 'en' });
  onTestFinished(async () => await context.close());
  const page = await context.newPage();
  const complaints = complaintsOf(page);
  onTestFinished(() => expect(complaints).toEqual([]));
  await page.goto((await home.json<{ address: string }>('open', '--print')).address);
  return page;
}

describe.skipIf(isSkipped)('the console', () => {
  homeTest('shows the screen', async ({ home }) => {
    await home.json('create', 'demo', '--memory', '192MiB', '--cpus', '1');
    const { id } = await home.json<{ id: string }>('start', 'demo');
    const page = await opened(home);
    await page.getByRole('heading', { name: 'Machines' }).waitFor();
    await page.goto(new URL(`/#/machines/${id}`, page.url()).href);
    await page.locator('canvas').waitFor();
    await page.locator('canvas').click();
    await page.keyboard.type('root\n');
    await new Promise((r) => setTimeout(r, 3000));
    await page.keyboard.type('uname -a\n');
    await new Promise((r) => setTimeout(r, 3000));
    await page.screenshot({ path: '/tmp/h/console-1.png' });
  });
});
