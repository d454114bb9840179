import type { Command } from '@commander-js/extra-typings';
import { KameError } from '../../core/errors.ts';
import { examples, given, jsonShape } from '../options.ts';
import type { Session } from '../session.ts';
import { VisibleLog } from '../text.ts';
import { writeAll } from '../write-all.ts';

/** The longest line for `--json`, in characters: what a guest writes without a line end is cut into pieces. */
const maxLine = 64 * 1024;

/** Splits bytes into lines. An unfinished last line counts. */
async function* linesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of chunks) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
    for (; rest.length > maxLine; rest = rest.slice(maxLine)) yield rest.slice(0, maxLine);
  }
  if (rest !== '') yield rest;
}

/** Prints a log as text. The guest and the engine write to it, so it must not control the terminal. */
async function print(session: Session, chunks: AsyncIterable<Uint8Array>): Promise<void> {
  const { stdout } = session.context;
  const log = new VisibleLog();
  for await (const chunk of chunks) await writeAll(stdout, Buffer.from(log.push(chunk)));
  await writeAll(stdout, Buffer.from(log.end()));
}

export function define(program: Command, session: Session): void {
  program
    .command('logs')
    .description(
      'Prints the log of a machine: messages of Kame and of the engine. Control characters are shown as \\x1b and the like; ' +
        'kame show prints the path of the file itself.',
    )
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
        else await print(session, chunks);
      } catch (error) {
        // Ctrl-C is the normal way to stop following.
        if (!(follow === true && error instanceof KameError && error.code === 'CANCELLED')) throw error;
      }
    });
}
