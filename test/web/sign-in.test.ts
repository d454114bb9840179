import type { Page } from 'playwright-core';
import { describe, expect, onTestFinished } from 'vitest';
import { freePort } from '../../src/sys/port-probe.ts';
import { barriersOn, complaintsOf } from '../support/browser.ts';
import { homeTest } from '../support/home-test.ts';
import type { TestHome } from '../support/home.ts';
import { skipsBrowser, useBrowser } from '../support/use-browser.ts';

const browser = useBrowser();

const password = 'correct horse battery';

/** The web desktop as another computer sees it, which does not know its certificate. */
async function opened(home: TestHome): Promise<Page> {
  const port = await freePort('127.0.0.1');
  await home.json('web', '--listen', `127.0.0.1:${port}`);
  const context = await browser().newContext({ locale: 'en', ignoreHTTPSErrors: true });
  onTestFinished(async () => await context.close());
  const page = await context.newPage();
  const complaints = complaintsOf(page);
  onTestFinished(() => expect(complaints).toEqual([]));
  await page.goto(`https://127.0.0.1:${port}/`);
  return page;
}

async function signIn(page: Page, word: string): Promise<void> {
  await page.getByLabel('Name').fill('vera');
  await page.getByLabel('Password').fill(word);
  await page.keyboard.press('Enter');
}

describe.skipIf(skipsBrowser)('another computer', () => {
  homeTest(
    'signs in with a password, sees what a viewer may, and is out when its owner says so',
    async ({ home }) => {
      await home.json('create', 'demo', '--memory', '192MiB', '--cpus', '1');
      const user = JSON.stringify({ name: 'vera', grants: [{ role: 'viewer' }], password });
      await home.json('api', 'POST', '/web/users', '--data', user);
      const page = await opened(home);
      await page.getByRole('heading', { name: 'Sign in' }).waitFor();
      expect(await barriersOn(page)).toEqual([]);
      await signIn(page, 'something else');
      await page.getByRole('alert').getByText('The name or the password is wrong.').waitFor();
      expect(await barriersOn(page)).toEqual([]);
      await signIn(page, password);
      const demo = page.getByRole('listitem', { name: 'demo', exact: true });
      await demo.getByText('Stopped').waitFor();
      await page.getByText('vera · Viewer').waitFor();
      expect(await demo.getByRole('button').count()).toBe(0);
      expect(await page.getByRole('link', { name: 'New machine' }).count()).toBe(0);
      await home.json('web', 'user', 'set', 'vera', '--role', 'operator');
      await page.getByText('Your session has ended. Sign in again.').waitFor();
      await signIn(page, password);
      await demo.getByRole('button', { name: 'Start' }).waitFor();
      await page.getByRole('button', { name: 'Sign out vera · Operator' }).click();
      await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    },
  );
});
