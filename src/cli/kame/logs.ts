import type { Command } from '@commander-js/extra-typings';
import { KameError } from '../../core/errors.ts';
import { examples, given, jsonShape } from '../options.ts';
import type { Session } from '../session.ts';
import { writeAll } from '../write-all.ts';

/** Splits bytes into lines. An unfinished last line counts. */
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
    .description('Prints the log of a machine: messages of Kame and of the engine.')
    .argument('<name>', 'name, id or .vmx of a machine')
    .option('-f, --follow', 'keep printing new lines until Ctrl-C')
    .option('--serial', 'print the output of the serial console instead')
    .option('--json', jsonShape('one {"line": …} per line'))
    .addHelpText('after', examples('kame logs demo', 'kame logs demo -f', 'kame logs demo --serial | tail'))
    .action(async (name, { follow, serial }) => {
      const chunks = session.client.machines.logs(session.machine(name), given({ follow, console: serial }), {
        signal: session.signal,
      });
      try {
        if (session.json) for await (const line of linesOf(chunks)) session.printJsonLine({ line });
        else for await (const chunk of chunks) await writeAll(session.context.stdout, chunk);
      } catch (error) {
        // Ctrl-C is the normal way to stop following.
        if (!(follow === true && error instanceof KameError && error.code === 'CANCELLED')) throw error;
      }
    });
}
