import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Locator, Page } from 'playwright-core';
import { describe, expect, onTestFinished } from 'vitest';
import { barriersOn, complaintsOf } from '../support/browser.ts';
import { expectWhole, looks } from '../support/page-pictures.ts';
import { homeTest } from '../support/home-test.ts';
import type { TestHome } from '../support/home.ts';
import { skipsBrowser, useBrowser } from '../support/use-browser.ts';

const browser = useBrowser();

/** The web desktop of a home, in a browser of its own that has used no address yet. */
async function opened(home: TestHome, settings: { language?: string; dark?: boolean } = {}): Promise<Page> {
  const { language = 'en', dark = false } = settings;
  const context = await browser().newContext({ locale: language, colorScheme: dark ? 'dark' : 'light' });
  onTestFinished(async () => await context.close());
  const page = await context.newPage();
  const complaints = complaintsOf(page);
  onTestFinished(() => expect(complaints).toEqual([]));
  await page.goto((await home.json<{ address: string }>('open')).address);
  return page;
}

const create = async (home: TestHome, name: string) =>
  await home.json('create', name, '--memory', '192MiB', '--cpus', '1');
/** A menu or a dialog that is just opening or closing passes through states that would be barriers if they stayed. */
const expectNoBarriers = async (page: Page) =>
  await expect.poll(async () => await barriersOn(page)).toEqual([]);
const card = (page: Page, name: string): Locator => page.getByRole('listitem', { name, exact: true });

describe.skipIf(skipsBrowser)('the library', () => {
  homeTest('teaches how to get the first machine, and makes it', async ({ home }) => {
    const page = await opened(home);
    await page.getByRole('heading', { name: 'No machines yet' }).waitFor();
    await expectNoBarriers(page);
    // Neither the address bar nor the history keeps the ticket.
    expect(new URL(page.url()).hash).toBe('');
    await page.getByRole('button', { name: 'Create “demo”' }).click();
    await card(page, 'demo').getByText('Stopped').waitFor();
    // The page can be installed; a context of a test is one whose history nothing keeps.
    const devtools = await page.context().newCDPSession(page);
    expect((await devtools.send('Page.getAppManifest')).errors).toEqual([]);
    const { installabilityErrors } = await devtools.send('Page.getInstallabilityErrors');
    expect(installabilityErrors.map(({ errorId }) => errorId)).toEqual(['in-incognito']);
    await page.reload();
    await card(page, 'demo').waitFor();
  });

  homeTest('starts a machine, shows its screen, and shuts it down', async ({ home }) => {
    await create(home, 'demo');
    const page = await opened(home);
    const demo = card(page, 'demo');
    await demo.getByRole('button', { name: 'Start' }).click();
    await demo.getByText('Running').waitFor();
    await demo.getByText(/^\d+\.\d+\.\d+\.\d+$/).waitFor();
    const drawn = `[...document.querySelectorAll('canvas')].some((canvas) => canvas.width > 0)`;
    await page.waitForFunction(drawn);
    await demo.getByRole('button', { name: 'More for demo' }).click();
    await page.getByRole('menuitem', { name: 'Take a snapshot' }).click();
    await page.getByRole('dialog').getByLabel('Label').fill('before');
    await expectNoBarriers(page);
    await page.keyboard.press('Enter');
    await demo.getByText('The snapshot “before” was taken.').waitFor({ timeout: 60_000 });
    await demo.getByRole('button', { name: 'Shut down' }).click();
    await demo.getByText('Stopped').waitFor({ timeout: 90_000 });
  });

  homeTest('shows what commands change, and why a machine is broken', async ({ home }) => {
    await create(home, 'first');
    const page = await opened(home);
    await card(page, 'first').waitFor();
    await create(home, 'second');
    await card(page, 'second').waitFor();
    await home.json('rename', 'first', 'renamed');
    await card(page, 'renamed').waitFor();
    await expect.poll(async () => await card(page, 'first').count()).toBe(0);
    await page.keyboard.press('/');
    await page.keyboard.type('renam');
    await expect.poll(async () => await card(page, 'second').count()).toBe(0);
    await page.keyboard.press('Escape');
    await card(page, 'second').waitFor();
    const vmx = join(home.path, 'machines', 'second.vmwarevm', 'second.vmx');
    await writeFile(vmx, Buffer.from([0]));
    await page.reload();
    await card(page, 'second').getByRole('alert').getByText('is not a configuration file').waitFor();
  });

  homeTest('says what to do when an action fails', async ({ home }) => {
    await create(home, 'demo');
    await rm(join(home.path, 'machines', 'demo.vmwarevm', 'disk0.qcow2'));
    const page = await opened(home);
    await card(page, 'demo').getByRole('button', { name: 'Start' }).click();
    const alert = card(page, 'demo').getByRole('alert');
    await alert.getByText('disk0.qcow2').first().waitFor();
    await expectNoBarriers(page);
    await alert.getByRole('button', { name: 'Dismiss' }).click();
    await expect.poll(async () => await alert.count()).toBe(0);
  });

  homeTest('does one thing to several machines', async ({ home }) => {
    for (const name of ['one', 'two']) await create(home, name);
    const page = await opened(home);
    for (const name of ['one', 'two']) await page.getByLabel(`Select ${name}`).check();
    const bar = page.getByRole('toolbar', { name: 'Several machines' });
    await bar.getByText('2 selected').waitFor();
    await expectNoBarriers(page);
    expect(await bar.getByRole('button', { name: 'Shut down' }).isDisabled()).toBe(true);
    await bar.getByRole('button', { name: 'Take a snapshot' }).click();
    for (const name of ['one', 'two'])
      await expect.poll(async () => await home.json<unknown[]>('snapshot', 'list', name)).toHaveLength(1);
    await bar.getByRole('button', { name: 'Clone' }).click();
    for (const name of ['one-clone', 'two-clone']) await card(page, name).waitFor();
    await bar.getByRole('button', { name: 'Clear' }).click();
    await expect.poll(async () => await bar.count()).toBe(0);
  });

  homeTest('keeps machines in folders, and undoes what can be undone', async ({ home }) => {
    for (const name of ['one', 'two']) await create(home, name);
    const page = await opened(home);
    const choose = async (name: string, what: string) => {
      await page.getByRole('button', { name: `More for ${name}`, exact: true }).click();
      await page.getByRole('menuitem', { name: what }).click();
    };
    await choose('one', 'Move to a folder');
    await page.getByRole('dialog').getByLabel('Folder').fill('work/web');
    await expectNoBarriers(page);
    await page.keyboard.press('Enter');
    await page.getByText('“one” is in “work/web”.').waitFor();
    const folders = page.getByRole('navigation', { name: 'Folders' });
    await card(page, 'two').dragTo(folders.getByRole('link', { name: /^work/ }));
    await page.getByText('1 machine is in “work”.').waitFor();
    const namesIn = async (folder: string) =>
      (await home.json<{ name: string }[]>('list', '--folder', folder)).map(({ name }) => name);
    expect(await namesIn('work')).toEqual(['one', 'two']);
    await page.keyboard.press('Control+z');
    await expect.poll(async () => await namesIn('work')).toEqual(['one']);

    await page.getByRole('button', { name: 'Rows' }).click();
    await folders.getByRole('link', { name: /^work/ }).click();
    await folders.getByRole('link', { name: /^web/ }).click();
    await expect.poll(async () => await card(page, 'two').count()).toBe(0);
    await choose('one', 'Clone');
    await page.getByRole('dialog').getByLabel('Kind').selectOption('Full');
    await page.keyboard.press('Enter');
    await card(page, 'one-clone').getByText('Stopped').waitFor();
    await choose('one-clone', 'Remove from the list');
    await page.getByRole('button', { name: 'Undo' }).click();
    await card(page, 'one-clone').waitFor();
    await page.reload();
    expect(await page.getByRole('button', { name: 'Rows' }).getAttribute('aria-pressed')).toBe('true');
    await choose('one-clone', 'Delete');
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
    await expect.poll(async () => await card(page, 'one-clone').count()).toBe(0);
    expect(await namesIn('work/web')).toEqual(['one']);
  });

  homeTest('is used by keyboard, and keeps the focus near what it was on', async ({ home }) => {
    await create(home, 'demo');
    const page = await opened(home);
    const more = card(page, 'demo').getByRole('button', { name: 'More for demo' });
    const expectFocus = async (on: string, what: string) =>
      await expect.poll(async () => await page.evaluate(`document.activeElement?.${on}`)).toBe(what);
    // The first time, the button becomes a menu while it is pressed.
    for (const _time of ['first', 'second']) {
      await more.focus();
      await page.keyboard.press('Enter');
      await page.getByRole('menuitem', { name: 'Take a snapshot' }).waitFor();
      await page.keyboard.press('Escape');
      await expectFocus('ariaLabel', 'More for demo');
    }
    const ask = async () => {
      await page.keyboard.press('Enter');
      await page.getByRole('menuitem', { name: 'Take a snapshot' }).press('Enter');
      await expectFocus('labels?.[0]?.textContent', 'Label');
    };
    await ask();
    await page.keyboard.press('Escape');
    await expectFocus('ariaLabel', 'More for demo');
    await ask();
    await page.keyboard.press('Enter');
    const dismiss = card(page, 'demo').getByRole('button', { name: 'Dismiss' });
    await dismiss.waitFor();
    // The buttons were a progress bar meanwhile.
    await expectFocus("closest('li')?.ariaLabel", 'demo');
    await dismiss.press('Enter');
    await dismiss.waitFor({ state: 'detached' });
    await expectFocus("closest('li')?.ariaLabel", 'demo');
  });

  homeTest('asks a browser without a session to sign in, and lets one sign out', async ({ home }) => {
    const page = await opened(home);
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('heading', { name: 'You are not signed in' }).waitFor();
    await expectNoBarriers(page);
  });

  for (const { language, dark, name } of looks) {
    homeTest(`is whole: ${name}`, async ({ home }) => {
      await create(home, 'demo');
      await home.json('set', 'demo', 'folder=work/web');
      const page = await opened(home, { language, dark });
      await card(page, 'demo').waitFor();
      expect(await page.evaluate('document.documentElement.lang')).toBe(language);
      await page.getByRole('heading', { name: language === 'ja' ? '仮想マシン' : 'Machines' }).waitFor();
      await expectWhole(page, `library-${name}`);
      await page.getByRole('button', { name: language === 'ja' ? 'リスト' : 'Rows' }).click();
      await page.getByRole('tooltip').waitFor();
      await expectWhole(page, `library-rows-${name}`);
    });
  }
});
