import type { Command } from '@commander-js/extra-typings';
import { browserFor, startBrowser } from '../../sys/browser.ts';
import { examples, jsonShape } from '../options.ts';
import type { Session } from '../session.ts';

export function define(program: Command, session: Session): void {
  program
    .command('open')
    .description(
      'Opens the web desktop in your browser, as a window of its own where the browser can do that. The address works once, within five minutes.',
    )
    .option('--print', 'print the address instead of opening it')
    .option('--json', jsonShape('WebAddress; nothing is opened'))
    .addHelpText('after', examples('kame open', 'kame open --print'))
    .action(async ({ print = false }) => {
      const opened = await session.client.web.open({ signal: session.signal });
      if (session.json) {
        session.printJson(opened);
        return;
      }
      const { env } = session.context;
      const browser = print ? undefined : browserFor(opened.address, env);
      if (browser) {
        await startBrowser(browser, env);
        session.print('The web desktop is open in your browser.');
        return;
      }
      if (!print) session.note('There is no browser or no display here. Open this address in a browser:');
      session.print(opened.address);
    });
}
