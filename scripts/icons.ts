/** `npm run icons`: draws the icons of the web desktop in web/public/icons from web/public/kame.svg. Needs Chromium. */
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { startBrowser } from '../test/support/browser.ts';

const out = 'web/public/icons';
/** The ground of an icon that a system cuts into a shape of its own: the lightest green of the tortoise. */
const ground = '#ccfbf1';

/** Each icon: its side in pixels, and which part of the side the drawing takes. What is cut has a ground. */
const icons = [
  { name: 'kame-192', side: 192, part: 1 },
  { name: 'kame-512', side: 512, part: 1 },
  { name: 'kame-cut-512', side: 512, part: 0.66, ground },
  { name: 'kame-touch-180', side: 180, part: 0.78, ground },
] as const;

const drawing = readFileSync('web/public/kame.svg', 'utf8');
mkdirSync(out, { recursive: true });
const browser = await startBrowser();
try {
  const page = await browser.newPage();
  for (const { name, side, part, ...rest } of icons) {
    const background = 'ground' in rest ? rest.ground : 'transparent';
    await page.setViewportSize({ width: side, height: side });
    await page.setContent(
      `<style>body{margin:0;display:grid;place-items:center;height:100vh;background:${background}}
       svg{width:${100 * part}vw;height:${100 * part}vw}</style>${drawing}`,
    );
    await page.screenshot({ path: join(out, `${name}.png`), omitBackground: true });
  }
} finally {
  await browser.close();
}
