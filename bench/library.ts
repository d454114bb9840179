import type { Browser } from 'playwright-core';
import { hasBrowser, startBrowser } from '../test/support/browser.ts';
import type { TestHome } from '../test/support/home.ts';
import type { Bench } from './support/bench.ts';
import { benchHome } from './support/kame.ts';
import { makeStoppedMachines } from './support/stopped-machines.ts';

const machineCount = 50;

/** Notes in the page when all machines are there, with buttons that can be pressed. */
const watch = `
  const all = () => document.querySelectorAll('li[aria-label] button').length >= 2 * ${machineCount};
  const look = () => { if (all()) globalThis.completeAt ??= performance.now(); };
  new MutationObserver(look).observe(document, { childList: true, subtree: true });
`;

interface Times {
  /** Milliseconds from the request of the page to its first paint with content. */
  readonly paint: number;
  /** Milliseconds from the request of the page until every card can be used. */
  readonly interactive: number;
  /** Milliseconds from the request of a change by another client until it is on the page. */
  readonly change: number;
}

async function timesOf(browser: Browser, home: TestHome, run: number): Promise<Times> {
  const context = await browser.newContext();
  try {
    const page = await context.newPage();
    await page.addInitScript(watch);
    await page.goto((await home.json<{ address: string }>('open')).address);
    const cards = page.getByRole('listitem');
    await cards.nth(machineCount - 1).waitFor();
    await page.getByRole('button', { name: 'Start' }).last().waitFor();
    const interactive = await page.evaluate<number>('globalThis.completeAt');
    const paint = await page.evaluate<number>(
      `performance.getEntriesByName('first-contentful-paint')[0].startTime`,
    );
    const name = `renamed-${run}`;
    const isShown = page.getByRole('listitem', { name, exact: true }).waitFor();
    const before = performance.now();
    await home.ask(async (client) => {
      const [first] = await client.machines.list();
      await client.machines.rename(first?.id ?? '', { name });
    });
    await isShown;
    return { paint, interactive, change: performance.now() - before };
  } finally {
    await context.close();
  }
}

/** Measures how soon the library of the web desktop is there. */
export const library: Bench = {
  name: 'library',
  about: `the web desktop with ${machineCount} machines: first paint, use, and changes by others`,
  missing: () => (hasBrowser ? null : 'needs Chromium: apt-get install chromium'),
  async run(context) {
    await using home = await benchHome();
    await makeStoppedMachines(home, machineCount, context.say);
    const browser = await startBrowser();
    const samples: Times[] = [];
    try {
      for (let run = 1; run <= (context.runs ?? 7); run += 1) {
        context.signal.throwIfAborted();
        context.say(`run ${run}`);
        samples.push(await timesOf(browser, home, run));
      }
    } finally {
      await browser.close();
    }
    const most = (value: number) => ({ of: 'median', at: 'most', value }) as const;
    return {
      bench: 'library',
      title: `the library in Chromium, ${machineCount} machines, a new profile each time`,
      series: [
        { name: 'first paint', unit: 'ms', samples: samples.map(({ paint }) => paint), bar: most(300) },
        {
          name: 'every card can be used',
          unit: 'ms',
          samples: samples.map(({ interactive }) => interactive),
          bar: most(600),
        },
        {
          name: 'a machine that another client renames',
          unit: 'ms',
          samples: samples.map(({ change }) => change),
          bar: most(300),
        },
      ],
      notes: ['The last one includes the change itself, and how Playwright learns of it.'],
    };
  },
};
