import type { Page } from 'playwright-core';
import { describe, expect, onTestFinished } from 'vitest';
import { barriersOn, complaintsOf } from '../support/browser.ts';
import { expectWhole, looks } from '../support/page-pictures.ts';
import { homeTest } from '../support/home-test.ts';
import type { TestHome } from '../support/home.ts';
import { skipsBrowser, useBrowser } from '../support/use-browser.ts';

const browser = useBrowser();

interface Settings {
  readonly language?: string;
  readonly dark?: boolean;
}

async function opened(
  home: TestHome,
  room: string,
  { language = 'en', dark = false }: Settings = {},
): Promise<Page> {
  const context = await browser().newContext({ locale: language, colorScheme: dark ? 'dark' : 'light' });
  onTestFinished(async () => await context.close());
  const page = await context.newPage();
  const complaints = complaintsOf(page);
  onTestFinished(() => expect(complaints).toEqual([]));
  await page.goto((await home.json<{ address: string }>('open')).address);
  await expect.poll(() => new URL(page.url()).hash).toBe('');
  await page.evaluate(`location.hash = ${JSON.stringify(room)}`);
  return page;
}

const expectNoBarriers = async (page: Page) =>
  await expect.poll(async () => await barriersOn(page)).toEqual([]);

interface Machine {
  readonly id: string;
  readonly state: string;
  readonly cpus: number;
}
const create = async (home: TestHome, name: string): Promise<Machine> =>
  await home.json<Machine>('create', name, '--memory', '192MiB', '--cpus', '1');
const show = async (home: TestHome, name: string): Promise<Machine> => await home.json<Machine>('show', name);

describe.skipIf(skipsBrowser)('the rooms of the web desktop', () => {
  homeTest('make a machine, and lead to it', async ({ home }) => {
    const page = await opened(home, '/new');
    await page.getByRole('button', { name: 'Tiny' }).first().waitFor();
    const iso = Buffer.alloc(64 * 1024);
    // The identifier of the first volume descriptor, in sector 16.
    iso.write('\u0001CD001\u0001', 16 * 2048, 'latin1');
    const dropped = { name: 'setup.iso', mimeType: 'application/octet-stream', buffer: iso };
    await page.locator('input[type=file]').first().setInputFiles(dropped);
    await page.getByText('“setup” is here.').waitFor();
    await page.getByRole('combobox', { name: 'Guest system' }).waitFor();
    await page.getByRole('button', { name: 'Tiny' }).first().click();
    await page.getByLabel('Name').fill('made');
    await page.getByLabel('Memory').fill('lots');
    await page.getByText('which is not a size').waitFor();
    await page.getByLabel('Memory').fill('192 MiB');
    await page.getByLabel('Start it at once').uncheck();
    await page.getByRole('button', { name: 'Create the machine' }).click();
    await page.getByRole('heading', { name: 'made', level: 1 }).waitFor();
    expect((await show(home, 'made')).state).toBe('stopped');
  });

  homeTest('change settings, checked before they are sent', async ({ home }) => {
    const { id } = await create(home, 'demo');
    const page = await opened(home, `/machines/${id}/settings`);
    const save = page.getByRole('button', { name: 'Save' });
    await page.getByLabel('Processors').fill('99');
    await page.getByRole('alert').first().waitFor();
    expect(await save.isDisabled()).toBe(true);
    await page.getByLabel('Processors').fill('3');
    // What is saved is shown first.
    await page.getByRole('row', { name: 'numvcpus 1 3' }).waitFor();
    await save.click();
    await page.getByText('Saved.').waitFor();
    expect((await show(home, 'demo')).cpus).toBe(3);

    await page.getByRole('button', { name: 'Show the .vmx' }).click();
    const text = page.getByRole('textbox', { name: 'Configuration file' });
    await text.fill(
      (await text.inputValue()).replace('numvcpus = "3"', 'numvcpus = "2"\n# mine\nmy.key = "1"'),
    );
    await page.getByRole('row', { name: 'my.key – 1' }).waitFor();
    await save.last().click();
    await expect.poll(async () => (await show(home, 'demo')).cpus).toBe(2);
    const vmx = await home.kame(['api', 'GET', '/machines/demo/vmx']);
    expect(vmx.stdout).toContain('my.key = "1"');

    await page.getByLabel('Folder on this computer').fill('/usr/share');
    await page.getByRole('button', { name: 'Share', exact: true }).click();
    await page.getByText('(read-only)').waitFor();
    await page.getByRole('button', { name: 'Add an adapter' }).click();
    await page.getByText('ethernet1').waitFor();
  });

  homeTest('draw the snapshots, take one, revert to it, and make clones that appear', async ({ home }) => {
    const { id } = await create(home, 'demo');
    await home.json('start', 'demo');
    const page = await opened(home, `/machines/${id}/snapshots`);
    await page.getByLabel('Label').fill('clean');
    await page.getByRole('button', { name: 'Take a snapshot' }).click();
    await page.getByText('The snapshot “clean” was taken.').waitFor({ timeout: 60_000 });
    const line = page.getByRole('treeitem', { name: /^clean/ });
    // Its picture is drawn.
    await expect
      .poll(
        async () =>
          await page.evaluate(
            `[...document.images].some(({ src, naturalWidth }) => src.includes('screenshot') && naturalWidth > 0)`,
          ),
      )
      .toBe(true);
    await expectNoBarriers(page);
    await page.getByLabel('Number').fill('2');
    await page.getByRole('button', { name: 'Make 2 clones' }).click();
    await page.getByText('2 clones were made.').waitFor({ timeout: 90_000 });
    const clones = page.getByRole('list', { name: 'Clones that were just made' });
    await expect.poll(async () => await clones.locator('canvas').count()).toBe(2);
    await page.getByRole('treeitem', { name: 'You are here' }).press('ArrowUp');
    expect(await line.getAttribute('aria-selected')).toBe('true');
    await page.getByRole('button', { name: 'Revert to this snapshot' }).click();
    await page.getByRole('alert').getByRole('button', { name: 'Revert to this snapshot' }).click();
    await page.getByText('The machine is back at “clean”.').waitFor({ timeout: 90_000 });
    await page.goBack();
    const card = page.getByRole('listitem', { name: 'demo-clone-2', exact: true });
    await card.getByText('Running').waitFor();
    await page.evaluate(`location.hash = '/machines/${id}/activity'`);
    // A number of each graph, of a machine that runs.
    await page.getByText(/^Resident [1-9][\d.]* MiB$/).waitFor({ timeout: 30_000 });
    await expectNoBarriers(page);
    for (const name of ['demo', 'demo-clone-1', 'demo-clone-2']) await home.json('stop', name, '--hard');
  });

  homeTest('are reached by the palette, and say when there is nothing', async ({ home }) => {
    await create(home, 'demo');
    const page = await opened(home, '/');
    await page.getByRole('listitem', { name: 'demo', exact: true }).waitFor();
    await page.keyboard.press('Control+k');
    await page.getByRole('combobox', { name: 'Find a page or an action' }).fill('demo sett');
    await expectNoBarriers(page);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Network adapters' }).waitFor();
    await page.keyboard.press('Control+k');
    await page.getByRole('combobox', { name: 'Find a page or an action' }).fill('demo take a sn');
    await page.keyboard.press('Enter');
    await page.getByRole('textbox', { name: 'Label' }).fill('by keyboard');
    await page.keyboard.press('Enter');
    await expect
      .poll(async () => await home.json<{ label: string }[]>('snapshot', 'list', 'demo'), { timeout: 60_000 })
      .toMatchObject([{ label: 'by keyboard' }]);
    await page.evaluate(`location.hash = '/machines/none'`);
    await page.getByRole('heading', { name: 'This machine is gone' }).waitFor();
    await page.evaluate(`location.hash = '/nowhere'`);
    await page.getByRole('heading', { name: 'There is no page at this address' }).waitFor();
  });

  for (const { language, dark, name } of looks) {
    homeTest(`are whole: ${name}`, async ({ home }) => {
      const { id } = await create(home, 'demo');
      const page = await opened(home, '/host', { language, dark });
      await page.getByText('engine', { exact: false }).first().waitFor({ timeout: 60_000 });
      const parts = ['', '/snapshots', '/settings', '/activity'].map((part) => `/machines/${id}${part}`);
      for (const room of ['/host', '/new', '/design', ...parts]) {
        await page.evaluate(`location.hash = ${JSON.stringify(room)}`);
        await page.getByRole('heading', { level: 1 }).waitFor();
        await expectWhole(page, `${room.split('/').at(-1)?.replace(id, 'console')}-${name}`);
      }
    });
  }
});
