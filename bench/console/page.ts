import type { Browser, Page } from 'playwright-core';
import { poll } from '../../src/core/deadline.ts';
import { startBrowser } from '../../test/support/browser.ts';
import type { TestHome } from '../../test/support/home.ts';

/** Notes when a key is pressed, and when something is drawn on a canvas of the page next. */
const watching = `
  let [pressed, drawn] = [0, 0];
  addEventListener('keydown', () => { [pressed, drawn] = [performance.now(), 0]; }, true);
  const draw = CanvasRenderingContext2D.prototype.drawImage;
  CanvasRenderingContext2D.prototype.drawImage = function (...args) {
    draw.apply(this, args);
    if (this.canvas.isConnected && pressed > 0 && drawn === 0) drawn = performance.now();
  };
  window.sinceKey = () => (drawn > 0 ? drawn - pressed : 0);
`;

/** The page of a machine with its console, in a real browser. */
export class ConsolePage implements AsyncDisposable {
  readonly #browser: Browser;
  readonly #page: Page;

  private constructor(browser: Browser, page: Page) {
    this.#browser = browser;
    this.#page = page;
  }

  static async open(home: TestHome, machine: string): Promise<ConsolePage> {
    const browser = await startBrowser();
    const page = await browser.newPage();
    await page.addInitScript(watching);
    const { address } = await home.json<{ address: string }>('open', '--print');
    const { id } = await home.json<{ id: string }>('show', machine);
    await page.goto(address);
    await page.getByRole('main').waitFor();
    await page.goto(`${new URL(address).origin}/#/machines/${id}`);
    const screen = page.getByRole('application');
    await screen.waitFor();
    await screen.click();
    return new ConsolePage(browser, page);
  }

  /** Milliseconds from a key until something is drawn. */
  async keyToPicture(): Promise<number> {
    await new Promise((resolve) => setTimeout(resolve, 300));
    await this.#page.keyboard.press('a');
    const look = async () => (await this.#page.evaluate<number>('sinceKey()')) || undefined;
    const ms = await poll(look, { deadlineMs: 10_000 });
    if (ms === undefined) throw new Error('The page draws nothing after a key.');
    return ms;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#browser.close();
  }
}
