import type { Browser, Locator, Page } from 'playwright-core';
import { expect, onTestFinished } from 'vitest';
import { complaintsOf } from './browser.ts';
import type { TestHome } from './home.ts';

export interface PageSettings {
  readonly language?: string;
  readonly dark?: boolean;
  /** Permissions of the browser. */
  readonly permissions?: readonly string[];
  /** Runs in the page before its scripts. */
  readonly before?: string;
  /** Messages of the browser that are expected, besides those about what noVNC does. */
  readonly allowed?: RegExp;
}

/** noVNC reads its canvas when the size changes; the browser finds that slow. */
const readback = /^Canvas2D: Multiple readback operations/;

/** Creates a tiny machine and starts it; its id. */
export async function startTiny(home: TestHome, name: string, ...settings: string[]): Promise<string> {
  await home.json('create', name, '--memory', '192MiB', '--cpus', '1', ...settings);
  return (await home.json<{ id: string }>('start', name)).id;
}

/** The page of a machine, in a browser of its own. The test fails if the page complains about anything. */
export async function machinePage(
  browser: Browser,
  home: TestHome,
  id: string,
  { language = 'en', dark = false, permissions = [], before, allowed }: PageSettings = {},
): Promise<Page> {
  const context = await browser.newContext({ locale: language, colorScheme: dark ? 'dark' : 'light' });
  onTestFinished(async () => await context.close());
  const { address } = await home.json<{ address: string }>('open', '--print');
  await context.grantPermissions([...permissions], { origin: new URL(address).origin });
  const page = await context.newPage();
  if (before !== undefined) await page.addInitScript(before);
  const complaints = complaintsOf(page);
  onTestFinished(() =>
    expect(complaints.filter((text) => !readback.test(text) && !allowed?.test(text))).toEqual([]),
  );
  await page.goto(address);
  await page.getByRole('heading', { level: 1 }).or(page.getByRole('main')).first().waitFor();
  await page.goto(`${new URL(address).origin}/#/machines/${id}`);
  return page;
}

/** The picture of the guest's screen, once it is there. */
export async function screenIn(page: Page): Promise<Locator> {
  const screen = page.getByRole('application');
  await screen.waitFor();
  await expect
    .poll(async () => await page.evaluate(`${theScreen}?.width > 0`), { timeout: 15_000 })
    .toBe(true);
  return screen;
}

const theScreen = "document.querySelector('[role=application]')";

/** Whether keys go to the guest. */
export async function hasKeys(page: Page): Promise<boolean> {
  return await page.evaluate<boolean>(`${theScreen} === document.activeElement`);
}

/** The colour in the middle of the screen, as red, green and blue. */
export async function middleOf(page: Page): Promise<readonly number[]> {
  // A canvas of its own, so that the one of the page stays as fast as it is.
  return await page.evaluate<readonly number[]>(`(() => {
    const screen = ${theScreen};
    if (!screen?.width) return [];
    const copy = new OffscreenCanvas(1, 1).getContext('2d');
    copy.drawImage(screen, screen.width / 2, screen.height / 2, 1, 1, 0, 0, 1, 1);
    return [...copy.getImageData(0, 0, 1, 1).data].slice(0, 3);
  })()`);
}

/** A command that fills the screen with a colour of ANSI: 1 is red, 2 green, 4 blue. The keys of a test have no Shift. */
export function filling(colour: 1 | 2 | 4): string {
  return `printf '\\033[4${colour}m'; clear\n`;
}

/** Whether a colour is mostly that one of red, green and blue. */
export function isMostly(which: 0 | 1 | 2, colour: readonly number[]): boolean {
  return colour.length === 3 && colour.every((value, index) => (index === which ? value > 120 : value < 100));
}

/** Logs in on the screen, and waits for the shell: what is typed before it reads is lost, so it is typed again. */
export async function logIn(page: Page, home: TestHome, machine: string): Promise<void> {
  await page.getByRole('application').click();
  const attempt = async () => {
    await page.keyboard.type('root\n');
    const looks = 'for i in 1 2 3 4 5 6; do ps | grep -q "[-]sh$" && echo yes && break; sleep 0.5; done';
    return (await home.sh(machine, looks)) === 'yes\n';
  };
  await expect.poll(attempt, { timeout: 40_000 }).toBe(true);
}
