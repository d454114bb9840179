import type { Command } from '@commander-js/extra-typings';
import type { KameEvent } from '../../api/messages.ts';
import { KameError } from '../../core/errors.ts';
import { examples, jsonShape } from '../options.ts';
import type { Session } from '../session.ts';

function lineOf(event: KameEvent): string {
  const time = new Date(event.at).toLocaleTimeString('en-GB');
  const parts = [time, event.type, event.machine ?? '-', event.state ?? '', event.message];
  return parts.filter((part) => part !== '').join('  ');
}

export function define(program: Command, session: Session): void {
  program
    .command('events')
    .description('Prints the events of all machines as they happen, until Ctrl-C.')
    .option('--json', jsonShape('one KameEvent per line'))
    .addHelpText('after', examples('kame events', 'kame events --json | jq -r .message'))
    .action(async () => {
      try {
        for await (const event of session.client.host.events({ signal: session.signal })) {
          if (session.json) session.printJsonLine(event);
          else session.print(lineOf(event));
        }
      } catch (error) {
        // Ctrl-C is the normal way to end this command.
        if (!(error instanceof KameError && error.code === 'CANCELLED')) throw error;
      }
    });
}
