/**
 * `npm run pictures`: makes the pictures of the web desktop in docs/images, from a home of its own with real guests. Needs a
 * build, and Chromium.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { benchHome, needTiny } from '../bench/support/kame.ts';
import { startBrowser } from '../test/support/browser.ts';
import type { TestHome } from '../test/support/home.ts';

const out = 'docs/images';
const size = { width: 1280, height: 800 };

async function makeMachines(home: TestHome): Promise<string> {
  for (const name of ['web', 'database', 'build', 'scratch'])
    await home.json('create', name, '--memory', '256MiB', '--cpus', '1');
  await home.json('set', 'database', 'guest-os=arm-debian13-64', 'folder=work');
  await home.json('set', 'build', 'guest-os=arm-ubuntu-64', 'folder=work');
  for (const name of ['web', 'database']) await home.json('start', name);
  for (const label of ['installed', 'configured']) await home.json('snapshot', 'take', 'web', label);
  await home.json('snapshot', 'revert', 'web', 'installed');
  await home.json('snapshot', 'take', 'web', 'with TLS');
  await home.json('suspend', 'database');
  return (await home.json<{ id: string }>('show', 'web')).id;
}

async function signedIn(home: TestHome, page: Page): Promise<void> {
  await page.goto((await home.json<{ address: string }>('open')).address);
  await page.getByRole('listitem', { name: 'web', exact: true }).waitFor();
}

async function goTo(page: Page, room: string): Promise<void> {
  await page.evaluate(`location.hash = ${JSON.stringify(room)}`);
}

mkdirSync(out, { recursive: true });
await needTiny('aarch64', (text) => console.log(text));
await using home = await benchHome();
const id = await makeMachines(home);
const browser = await startBrowser();
try {
  const light = await (await browser.newContext({ viewport: size, colorScheme: 'light' })).newPage();
  await signedIn(home, light);
  await light.locator('canvas[width="640"]').nth(1).waitFor();
  await light.screenshot({ path: join(out, 'library.png') });
  await goTo(light, `/machines/${id}/snapshots`);
  await light.getByRole('treeitem', { name: /^with TLS/ }).click();
  await light.getByRole('button', { name: 'Revert to this snapshot' }).waitFor();
  await light.waitForLoadState('networkidle').catch(() => undefined);
  await light.screenshot({ path: join(out, 'snapshots.png') });
  const dark = await (await browser.newContext({ viewport: size, colorScheme: 'dark' })).newPage();
  await signedIn(home, dark);
  await goTo(dark, `/machines/${id}`);
  await dark.getByText('1280 × 800').waitFor();
  await dark.screenshot({ path: join(out, 'console.png') });
} finally {
  await browser.close();
}
