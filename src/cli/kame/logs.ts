import type { Command } from '@commander-js/extra-typings';
import { KameError } from '../../core/errors.ts';
import { examples, given, jsonShape } from '../options.ts';
import type { Session } from '../session.ts';
import { writeAll } from '../write-all.ts';

/** Cuts bytes into lines; what is left at the end is a line too. */
async function* linesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of chunks) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
  }
  if (rest !== '') yield rest;
}

export function define(program: Command, session: Session): void {
  program
    .command('logs')
    .summary('print the log of a machine')
    .description('Prints what Kame and the engine say about a machine.')
    .argument('<name>', 'name, id or .vmx of a machine')
    .option('-f, --follow', 'go on with what is appended, until Ctrl-C')
    .option('--serial', 'what the guest wrote to its serial console, instead')
    .option('--json', jsonShape('one {"line": …} a line'))
    .addHelpText('after', examples('kame logs demo', 'kame logs demo -f', 'kame logs demo --serial | tail'))
    .action(async (name, { follow, serial }) => {
      const chunks = session.client.machines.logs(session.machine(name), given({ follow, console: serial }), {
        signal: session.signal,
      });
      try {
        if (session.json) for await (const line of linesOf(chunks)) session.printJsonLine({ line });
        else for await (const chunk of chunks) await writeAll(session.context.stdout, chunk);
      } catch (error) {
        // Ctrl-C is how following ends.
        if (!(follow === true && error instanceof KameError && error.code === 'CANCELLED')) throw error;
      }
    });
}
