import { createHash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { describe, expect } from 'vitest';
import { barriersOn } from '../support/browser.ts';
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
import { looks } from '../support/page-pictures.ts';
import { playAgent } from '../support/shell-agent.ts';
import { buildTone } from '../support/tone.ts';
import { skipsBrowser, useBrowser } from '../support/use-browser.ts';

const slow = { timeout: 15_000 };

const browser = useBrowser();

const pictures = process.env['KAME_TEST_PICTURES'];
async function picture(page: Page, name: string): Promise<void> {
  if (pictures === undefined) return;
  mkdirSync(pictures, { recursive: true });
  await page.screenshot({ path: join(pictures, `${name}.png`) });
}

/** Lets a test hear what the page plays: the frequency that is loudest, in hertz; 0 for silence. */
const listening = `
  const connect = AudioNode.prototype.connect;
  let analyser;
  AudioNode.prototype.connect = function (to, ...more) {
    if (to instanceof AudioDestinationNode) {
      analyser = this.context.createAnalyser();
      analyser.fftSize = 8192;
      connect.call(this, analyser);
    }
    return connect.call(this, to, ...more);
  };
  window.loudest = () => {
    if (!analyser) return 0;
    const bins = new Float32Array(analyser.frequencyBinCount);
    analyser.getFloatFrequencyData(bins);
    const top = bins.indexOf(Math.max(...bins));
    return bins[top] > -60 ? (top * analyser.context.sampleRate) / analyser.fftSize : 0;
  };
`;

const content = 'from the page\n'.repeat(20_000);

describe.skipIf(skipsBrowser)('the console', () => {
  homeTest('shows what the guest answers to keys, takes files, and follows the window', async ({ home }) => {
    const id = await startTiny(home, 'demo');
    const page = await machinePage(browser(), home, id);
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
    await page.getByRole('textbox', { name: 'Text for the guest' }).fill("printf '\\033[42m\\033[2J'\n");
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
    await page.getByRole('button', { name: 'Picture size' }).click();
    await page.getByRole('menuitem', { name: 'Resolution follows the window' }).click();
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
    const page = await machinePage(browser(), home, id);
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

  homeTest('shares the clipboard both ways, and plays the sound', async ({ home }) => {
    const id = await startTiny(home, 'demo', '--set', 'sound=on');
    const permissions = ['clipboard-read', 'clipboard-write'];
    const page = await machinePage(browser(), home, id, { permissions, before: listening });
    await screenIn(page);
    await using _agent = playAgent(home, 'demo', { copies: 'from the guest', takes: 'from the page'.length });
    const onHost = async () => await page.evaluate<string>('navigator.clipboard.readText()');
    await expect.poll(onHost, slow).toBe('from the guest');
    await page.getByRole('button', { name: 'Text and clipboard' }).click();
    await page.getByRole('textbox', { name: 'Copied in the guest' }).waitFor();
    await page.evaluate("navigator.clipboard.writeText('from the page')");
    await page.getByRole('application').click();
    await page.getByText('is on both clipboards at once').waitFor(slow);
    await expect.poll(async () => await home.sh('demo', 'cat /root/taken'), slow).toBe('from the page');
    await picture(page, 'clipboard');

    const program = join(home.path, 'tone');
    buildTone(program, 'aarch64');
    await home.kame(['copy', program, 'demo:/root/tone']);
    await page.getByRole('button', { name: 'Turn the sound on' }).click();
    await page.locator('[data-sound="on"]').waitFor(slow);
    const tone = home.sh('demo', '/root/tone');
    await expect
      .poll(async () => await page.evaluate<number>('loudest()'), { ...slow, interval: 50 })
      .toBeGreaterThan(400);
    expect(await page.evaluate<number>('loudest()')).toBeLessThan(480);
    await tone;
    await page.getByRole('button', { name: 'Turn the sound off' }).click();
    await page.locator('[data-sound="off"]').waitFor(slow);
  });

  homeTest('connects again after the daemon was killed, and the machine started again', async ({ home }) => {
    const id = await startTiny(home, 'demo');
    // What is asked for meanwhile cannot be had.
    const allowed = /ERR_CONNECTION_REFUSED|WebSocket connection to/;
    const page = await machinePage(browser(), home, id, { allowed });
    await screenIn(page);
    await logIn(page, home, 'demo');
    await page.keyboard.type(filling(1));
    await expect.poll(async () => isMostly(0, await middleOf(page)), slow).toBe(true);
    await home.killDaemon();
    await page.getByText('The connection was lost. Trying again…').waitFor(slow);
    await picture(page, 'lost');
    await home.json('daemon', 'start');
    await expect.poll(async () => isMostly(0, await middleOf(page)), slow).toBe(true);
    await page.getByRole('application').click();
    await page.keyboard.type(filling(4));
    await expect.poll(async () => isMostly(2, await middleOf(page)), slow).toBe(true);
    await home.json('stop', 'demo', '--hard');
    await page.getByText('The machine is off.').waitFor(slow);
    await picture(page, 'off');
    await page
      .getByRole('region')
      .or(page.getByRole('main'))
      .getByRole('button', { name: 'Start' })
      .last()
      .click();
    await screenIn(page);
    await home.json('suspend', 'demo');
    await page.getByText('The machine is suspended').waitFor(slow);
    await page.getByRole('button', { name: 'Resume' }).last().click();
    await screenIn(page);
  });

  homeTest('is whole in every language, theme and width', async ({ home }) => {
    const id = await startTiny(home, 'demo');
    for (const { language, dark, name } of looks) {
      const page = await machinePage(browser(), home, id, { language, dark });
      await screenIn(page);
      await page.getByRole('button', { name: /^(Text and clipboard|テキストとクリップボード)$/ }).click();
      for (const width of [390, 1024, 1920]) {
        await page.setViewportSize({ width, height: 800 });
        await expect
          .poll(async () => await page.evaluate('document.documentElement.scrollWidth'))
          .toBe(width);
        await picture(page, `${name}-${width}`);
      }
      await expect.poll(async () => await barriersOn(page), slow).toEqual([]);
    }
  });
});
