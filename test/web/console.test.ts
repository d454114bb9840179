import { createHash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { barriersOn, hasBrowser, startBrowser } from '../support/browser.ts';
import {
  filling,
  hasKeys,
  isMostly,
  logIn,
  machinePage,
  middleOf,
  screenIn,
  startTiny,
} from '../support/console-page.ts';
import { homeTest } from '../support/home-test.ts';

// In CI the browser must be there: ./run installs it.
const isSkipped = !hasBrowser && process.env['CI'] !== 'true';
const slow = { timeout: 15_000 };

let browser: Browser;
beforeAll(async () => {
  if (!isSkipped) browser = await startBrowser();
});
afterAll(async () => {
  if (!isSkipped) await browser.close();
});

const pictures = process.env['KAME_TEST_PICTURES'];
async function picture(page: Page, name: string): Promise<void> {
  if (pictures === undefined) return;
  mkdirSync(pictures, { recursive: true });
  await page.screenshot({ path: join(pictures, `${name}.png`) });
}

const content = 'from the page\n'.repeat(20_000);

describe.skipIf(isSkipped)('the console', () => {
  homeTest('shows what the guest answers to keys, takes files, and follows the window', async ({ home }) => {
    const id = await startTiny(home, 'demo');
    const page = await machinePage(browser, home, id);
    await screenIn(page);
    await logIn(page, home, 'demo');
    await page.keyboard.type(filling(1));
    await expect.poll(async () => isMostly(0, await middleOf(page)), slow).toBe(true);
    await picture(page, 'screen');

    // Keys leave the guest with Ctrl+Alt alone.
    await page.keyboard.press('Tab');
    expect(await hasKeys(page)).toBe(true);
    await page.keyboard.down('Control');
    await page.keyboard.down('Alt');
    await page.keyboard.up('Alt');
    await page.keyboard.up('Control');
    expect(await hasKeys(page)).toBe(false);

    // Text is typed on keys of the guest.
    await page.getByRole('button', { name: 'Text and clipboard' }).click();
    await page.getByRole('textbox', { name: 'Text for the guest' }).fill(filling(2));
    await page.getByRole('button', { name: 'Type it' }).click();
    await expect.poll(async () => isMostly(1, await middleOf(page)), slow).toBe(true);
    await page.getByText('No program in the guest shares its clipboard.').waitFor();
    await picture(page, 'text');
    await page.getByRole('button', { name: 'Text and clipboard' }).click();

    await page.evaluate(
      `(() => {
        const data = new DataTransfer();
        data.items.add(new File([${JSON.stringify(content)}], 'dropped 落.txt'));
        const drop = new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true });
        document.querySelector('[role=application]').dispatchEvent(drop);
      })()`,
    );
    await page.getByText('1 file is in /root of the guest.').waitFor(slow);
    expect(await home.sh('demo', 'sha256sum < "/root/dropped 落.txt"')).toContain(
      createHash('sha256').update(content).digest('hex'),
    );

    await page.setViewportSize({ width: 1000, height: 760 });
    await page.getByRole('button', { name: 'Size of the picture' }).click();
    await page.getByRole('menuitemradio', { name: 'Resolution follows the window' }).click();
    const place = `document.querySelector('[data-view]')`;
    const [width, height] = await page.evaluate<[number, number]>(
      `[Math.floor(${place}.clientWidth / 8) * 8, ${place}.clientHeight]`,
    );
    await page.getByText(`${width} × ${height}`).waitFor(slow);
    expect(await home.json('resolution', 'demo')).toMatchObject({ width, height });
    await picture(page, 'follow');
  });

  homeTest('has the serial console and a shell beside it', async ({ home }) => {
    const id = await startTiny(home, 'demo');
    const page = await machinePage(browser, home, id);
    await page.getByText('Serial', { exact: true }).click();
    const rows = page.locator('.xterm-rows');
    await rows.waitFor();
    await page.getByText('Connecting…').waitFor({ state: 'detached' });
    await page.keyboard.type('\n');
    await rows.getByText('login:').last().waitFor(slow);
    await page.keyboard.type('root\n');
    await rows.getByText('#').first().waitFor(slow);
    await page.keyboard.type('echo $((6 * 7))x\n');
    await rows.getByText('42x').waitFor(slow);
    await picture(page, 'serial');
    await page.getByText('Shell', { exact: true }).click();
    await rows.getByText('#').first().waitFor(slow);
    // Colours that are no part of a theme must not be forbidden by the policy of the page.
    await page.keyboard.type(`printf '\\033[38;2;255;128;0m%s\\033[0m\\n' $((6 * 7))y; stty size\n`);
    const orange = rows.getByText('42y');
    await orange.waitFor(slow);
    expect(await orange.getAttribute('style')).toContain('rgb(255, 128, 0)');
    await rows.getByText(/^[1-9]\d [1-9]\d+$/).waitFor(slow);
    await picture(page, 'shell');
    await page.keyboard.type('exit\n');
    await page.getByText('The shell has ended.').waitFor(slow);
    await page.getByRole('button', { name: 'New shell' }).click();
    await rows.getByText('#').first().waitFor(slow);
  });
});
