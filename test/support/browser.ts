import { createRequire } from 'node:module';
import { existsSync, readFileSync } from 'node:fs';
import { chromium, type Browser, type Page } from 'playwright-core';

/** Where Debian and Ubuntu install Chromium; KAME_TEST_CHROMIUM names another one. */
const program = process.env['KAME_TEST_CHROMIUM'] ?? '/usr/bin/chromium';

export const hasBrowser = existsSync(program);

/** A browser without a window that asks nobody but us. */
export async function startBrowser(): Promise<Browser> {
  return await chromium.launch({
    executablePath: program,
    args: [
      '--headless',
      // Root may not have a sandbox, and containers none at all. The pages are our own.
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}

/** What a page complains about: errors of its scripts, and what its own policy forbids it. */
export function complaintsOf(page: Page): string[] {
  const found: string[] = [];
  page.on('pageerror', ({ message }) => found.push(message));
  page.on('console', (message) => {
    const text = message.text();
    // A browser writes down each reply that is an error, and each connection that ends; the page shows what matters of them.
    if (['error', 'warning'].includes(message.type()) && !text.startsWith('Failed to load resource'))
      found.push(text);
  });
  return found;
}

interface Finding {
  readonly id: string;
  readonly impact: string;
  readonly nodes: readonly { readonly html: string }[];
}

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** What axe finds that keeps people out, as `rule: element`. */
export async function barriersOn(page: Page): Promise<string[]> {
  await page.evaluate(axe);
  const { violations } = await page.evaluate<{ violations: Finding[] }>('axe.run()');
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`));
}
