import type { Page } from 'playwright-core';
import { describe, expect, onTestFinished } from 'vitest';
import { freePort } from '../../src/sys/port-probe.ts';
import { complaintsOf } from '../support/browser.ts';
import { screenIn, startTiny } from '../support/console-page.ts';
import { homeTest } from '../support/home-test.ts';
import type { TestHome } from '../support/home.ts';
import { skipsBrowser, useBrowser } from '../support/use-browser.ts';

const browser = useBrowser();
const password = 'correct horse battery';

/** Signs in from another computer, as the page has it, and opens the page of a machine. */
async function signedIn(page: Page, id: string): Promise<void> {
  await page.getByLabel('Name').fill('vera');
  await page.getByLabel('Password').fill(password);
  await page.keyboard.press('Enter');
  await page.getByText('vera · ').waitFor();
  await page.evaluate(`location.hash = '/machines/${id}'`);
}

/**
 * A browser that does not care what the page lets it do: it opens the screen itself, presses a key and moves the pointer, asks for
 * a picture, and resolves with how many bytes of it came.
 */
const forging = (id: string) => `(async () => {
  const path = '/v1/machines/${id}/screen';
  const headers = { 'content-type': 'application/json' };
  const reply = await fetch('/session/ticket', { method: 'POST', headers, body: JSON.stringify({ path }) });
  const { ticket } = await reply.json();
  const socket = new WebSocket('wss://' + location.host + path + '?ticket=' + ticket);
  socket.binaryType = 'arraybuffer';
  let bytes = 0;
  const came = (least) => new Promise((resolve) => {
    const look = () => bytes >= least ? resolve() : setTimeout(look, 20);
    look();
  });
  socket.onmessage = ({ data }) => (bytes += data.byteLength);
  await new Promise((resolve) => (socket.onopen = resolve));
  const say = (...data) => socket.send(new Uint8Array(data));
  await came(12);
  socket.send(new TextEncoder().encode('RFB 003.008\\n'));
  await came(13);
  say(1);
  await came(18);
  say(1);
  await came(40);
  for (const code of [0x61, 0xff0d]) for (const down of [1, 0]) say(4, down, 0, 0, 0, 0, code >> 8, code & 255);
  for (const at of [10, 200]) for (const buttons of [0, 1, 0]) say(5, buttons, 0, at, 0, at);
  say(3, 0, 0, 0, 0, 0, 0, 64, 0, 64);
  await came(1000);
  socket.close();
  return bytes;
})()`;

/** Has the guest write down what its keyboard and its pointer send. */
async function record(home: TestHome): Promise<void> {
  const ready = 'for i in $(seq 60); do [ -e /dev/input/event2 ] && break; sleep 0.5; done';
  const begin = 'for n in 1 2; do setsid cat /dev/input/event$n >/root/input$n </dev/null 2>&1 & done';
  await home.sh('demo', `${ready}; ${begin}`);
}

/** How many bytes the keyboard and the pointer have sent. */
async function recorded(home: TestHome): Promise<readonly number[]> {
  const text = await home.sh('demo', 'for n in 1 2; do wc -c </root/input$n; done');
  return text.trim().split('\n').map(Number);
}

describe.skipIf(skipsBrowser)('a viewer', () => {
  homeTest('sees the screen of a guest, and no key or click reaches it', async ({ home }) => {
    const id = await startTiny(home, 'demo');
    const grants = [{ role: 'viewer', machines: ['demo'] }];
    const user = JSON.stringify({ name: 'vera', grants, password });
    await home.json('api', 'POST', '/web/users', '--data', user);
    const port = await freePort('127.0.0.1');
    await home.json('web', '--listen', `127.0.0.1:${port}`);
    const context = await browser().newContext({ locale: 'en', ignoreHTTPSErrors: true });
    onTestFinished(async () => await context.close());
    const page = await context.newPage();
    const complaints = complaintsOf(page);
    await page.goto(`https://127.0.0.1:${port}/`);
    await signedIn(page, id);
    const screen = await screenIn(page);
    await record(home);

    await screen.click({ position: { x: 40, y: 40 } });
    await page.keyboard.type('id\n');
    expect(await page.evaluate<number>(forging(id))).toBeGreaterThan(1000);
    expect(await recorded(home)).toEqual([0, 0]);
    expect(complaints).toEqual([]);

    // The same, of somebody who may.
    await home.json('web', 'user', 'set', 'vera', '--role', 'operator');
    await page.getByText('Your session has ended. Sign in again.').waitFor();
    await signedIn(page, id);
    await screenIn(page);
    await page.evaluate(forging(id));
    await expect.poll(async () => Math.min(...(await recorded(home)))).toBeGreaterThan(0);
  });
});
