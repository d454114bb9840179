import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { describe, expect, onTestFinished } from 'vitest';
import { barriersOn } from '../support/browser.ts';
import { homeTest } from '../support/home-test.ts';
import type { TestHome } from '../support/home.ts';
import { codeOf } from '../support/refused.ts';
import { skipsBrowser, useBrowser } from '../support/use-browser.ts';

const browser = useBrowser();

async function opened(home: TestHome): Promise<Page> {
  const context = await browser().newContext({ locale: 'en' });
  onTestFinished(async () => await context.close());
  const page = await context.newPage();
  page.setDefaultTimeout(60_000);
  await page.goto((await home.json<{ address: string }>('open')).address);
  await expect.poll(() => new URL(page.url()).hash).toBe('');
  await page.evaluate(`location.hash = '/new'`);
  await page.getByText('Drop a disk image').waitFor();
  return page;
}

/** Drops files and folders of the host onto the page, as a person does. */
async function drop(page: Page, ...files: string[]): Promise<void> {
  const box = await page.getByText('Drop a disk image').boundingBox();
  if (!box) throw new Error('There is nothing to drop on.');
  const place = { x: box.x + 5, y: box.y + 5, data: { items: [], files, dragOperationsMask: 1 } };
  const devtools = await page.context().newCDPSession(page);
  for (const type of ['dragEnter', 'dragOver', 'drop'] as const)
    await devtools.send('Input.dispatchDragEvent', { type, ...place });
  await devtools.detach();
}

const staged = async (home: TestHome) =>
  (await home.ask(async (client) => await client.uploads.list())).map(({ main }) => main);

describe.skipIf(skipsBrowser)('files that are dropped on the web desktop', () => {
  homeTest(
    'are an appliance: a report first, then a machine, although the connection breaks',
    async ({ home }) => {
      await home.json('create', 'demo', '--memory', '192MiB', '--cpus', '1');
      const ova = join(home.path, 'demo.ova');
      await home.json('export', 'demo', ova);
      const page = await opened(home);
      let broken = 0;
      await page.routeWebSocket(/\/uploads\/send/u, (socket) => {
        const server = socket.connectToServer();
        server.onMessage((message) => {
          socket.send(message);
          if (broken === 0 && String(message).includes('"progress"')) {
            broken += 1;
            void server.close();
            void socket.close();
          }
        });
      });
      await drop(page, ova);
      await page.getByRole('heading', { name: 'Import “demo”' }).waitFor();
      // The name is taken, and nothing has been sent yet.
      expect(await page.getByLabel('Name', { exact: true }).inputValue()).toBe('demo-2');
      expect(await staged(home)).toEqual([]);
      await page.getByText('What will be different').waitFor();
      await expect.poll(async () => await barriersOn(page)).toEqual([]);
      await page.getByRole('button', { name: 'Import', exact: true }).click();
      await page.getByRole('heading', { name: 'demo-2', level: 1 }).waitFor();
      expect(broken).toBe(1);
      await page.getByText('Running').first().waitFor();
      expect(await staged(home)).toEqual([]);
    },
  );

  homeTest('are the folder of a machine, which is sent on when the daemon is back', async ({ home }) => {
    await home.json('create', 'demo', '--memory', '192MiB', '--cpus', '1');
    const folder = join(home.path, 'out', 'moved.vmwarevm');
    await mkdir(join(home.path, 'out'));
    await home.json('export', 'demo', folder);
    const page = await opened(home);
    await home.killDaemon();
    // It moves what is below.
    await page.getByText('The connection to Kame was lost').waitFor();
    await drop(page, folder);
    await page.getByText('Kame cannot be reached').waitFor();
    // It goes on while its page is left, where it can be seen from everywhere.
    await page.evaluate(`location.hash = '/'`);
    const tray = page.getByRole('button', { name: '1 task' });
    await tray.click();
    await page.getByRole('dialog').getByText('Kame cannot be reached').waitFor();
    await expect.poll(async () => await barriersOn(page)).toEqual([]);
    await page.getByRole('dialog').getByRole('link', { name: 'Import “moved”' }).click();
    await page.getByText('Kame cannot be reached').waitFor();
    await expect.poll(async () => await tray.count()).toBe(0);
    await home.json('list');
    await page.getByRole('heading', { name: /^Import/ }).waitFor();
    await expect.poll(async () => await barriersOn(page)).toEqual([]);
    await page.getByLabel('Start it at once').uncheck();
    const name = await page.getByLabel('Name', { exact: true }).inputValue();
    await page.getByRole('button', { name: 'Import', exact: true }).click();
    await page.getByRole('heading', { name, level: 1 }).waitFor();
    expect(await home.json('show', name)).toMatchObject({ state: 'stopped', problems: [] });
    expect(await staged(home)).toEqual([]);
  });

  homeTest('are no machine, or are discarded', async ({ home }) => {
    const page = await opened(home);
    const readme = join(home.path, 'readme.txt');
    await writeFile(readme, 'hello');
    await drop(page, readme);
    await page.getByRole('alert').getByText('None of these files is a machine').waitFor();
    await page.getByRole('button', { name: 'Cancel' }).click();
    const sent: string[] = [];
    page.on('websocket', (socket) => sent.push(socket.url()));
    const old = join(home.path, 'old.vhd');
    await writeFile(
      old,
      Buffer.concat([Buffer.alloc(1024 * 1024), Buffer.from('conectix'), Buffer.alloc(504)]),
    );
    await drop(page, old);
    await page.getByRole('alert').getByText('old.vhd is a VHD disk, which is not supported.').waitFor();
    expect(sent).toEqual([]);
    await page.getByRole('button', { name: 'Cancel' }).click();
    const broken = join(home.path, 'broken.ova');
    await writeFile(broken, 'no archive');
    await drop(page, broken);
    await page.getByRole('alert').getByText('is not an appliance').waitFor();
    await home.ask(async (client) => {
      const over = new AbortController();
      const sizeBytes = 64 * 1024 * 1024;
      const sent = client.uploads.send(
        { files: [{ path: 'half.ova', sizeBytes }] },
        {
          read: async (from, to) => await Promise.resolve(new Uint8Array(to - from)),
          progress: (bytes) => bytes > 0 && over.abort(),
          signal: over.signal,
        },
      );
      expect(await codeOf(sent)).toBe('CANCELLED');
    });
    // What does not come to an end is cancelled from another page.
    await page.routeWebSocket(/\/images\/upload/u, (socket) => {
      socket.connectToServer().onMessage(() => undefined);
    });
    const image = join(home.path, 'image.img');
    await writeFile(
      image,
      Buffer.concat([Buffer.alloc(510), Buffer.from([0x55, 0xaa]), Buffer.alloc(1024 * 1024)]),
    );
    await drop(page, image);
    await page.getByText('Sending the file').waitFor();
    await page.getByRole('link', { name: 'Kame', exact: true }).click();
    await page.getByRole('button', { name: '1 task' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click();
    await expect.poll(async () => await page.getByRole('button', { name: '1 task' }).count()).toBe(0);
    await page.evaluate(`location.hash = '/new'`);
    await page.reload();
    await page.getByText('Drop the same files again to go on.').waitFor();
    await page.getByRole('button', { name: 'Discard half.ova' }).click();
    await expect.poll(async () => await staged(home)).toEqual([]);
  });
});
