import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { Command } from '@commander-js/extra-typings';
import type { ClipboardStatus } from '../../api/generated/shapes.ts';
import { KameError } from '../../core/errors.ts';
import { formatSize } from '../../core/units.ts';
import { fileError } from '../../sys/files.ts';
import { contentType, contentTypeOfFile } from '../content-type.ts';
import { examples, given, jsonShape } from '../options.ts';
import type { Session } from '../session.ts';
import { writeAll } from '../write-all.ts';

const machineText = 'name, id or .vmx of a machine';
const typeText = 'text, html, png, jpeg, bmp, tiff, or a MIME type';
const textType = 'text/plain';

const owners: Record<ClipboardStatus['owner'], string> = {
  guest: 'copied in the guest',
  host: 'set by the host',
  none: 'empty',
};

function statusText({ agent, owner, types }: ClipboardStatus): string {
  if (!agent) return 'no desktop agent runs in the guest';
  return types.length === 0 ? owners[owner] : `${owners[owner]}: ${types.join(', ')}`;
}

function defineShow(parent: Command, session: Session): void {
  parent
    .command('show')
    .summary('show what is on the clipboard')
    .description('Shows who has put the content on the clipboard, and the types that it can be read as.')
    .argument('<name>', machineText)
    .option('--json', jsonShape('ClipboardStatus'))
    .addHelpText('after', examples('kame clipboard show demo'))
    .action(async (name) => {
      const { signal } = session;
      const status = await session.client.clipboard.show(session.machine(name), { signal });
      if (session.json) session.printJson(status);
      else session.print(`${name}: ${statusText(status)}`);
    });
}

/** Content for a terminal, which a guest must not control. @throws KameError USAGE when it is not text */
function showOnTerminal(session: Session, type: string, data: Buffer): void {
  if (type !== textType) {
    throw new KameError('USAGE', `The content is ${type}, and standard output is a terminal.`, {
      next: 'Redirect it to a file, as in: kame clipboard get demo --type png > picture.png',
    });
  }
  session.printLines(data.toString('utf8'));
}

function asJson(type: string, data: Buffer): object {
  const content = type === textType ? { text: data.toString('utf8') } : { base64: data.toString('base64') };
  return { contentType: type, sizeBytes: data.length, ...content };
}

function defineGet(parent: Command, session: Session): void {
  parent
    .command('get')
    .summary('print what is on the clipboard')
    .description(
      'Writes the content of the clipboard of the guest to standard output: text if it can be text, or else its first type.',
    )
    .argument('<name>', machineText)
    .option('--type <type>', typeText, contentType)
    .option('--json', jsonShape('{contentType, sizeBytes, text}, or base64 instead of text'))
    .addHelpText(
      'after',
      examples(
        'kame clipboard get demo',
        'kame clipboard get demo --type png > picture.png',
        'kame clipboard get demo --type html',
      ),
    )
    .action(async (name, { type }) => {
      const { client, context, json, signal } = session;
      const { stdout } = context;
      const whole = json || stdout.isTTY === true;
      const kept: Uint8Array[] = [];
      const output = async (data: Uint8Array) => {
        if (whole) kept.push(data);
        else await writeAll(stdout, data);
      };
      const reply = client.clipboard.get(session.machine(name), given({ type }), { signal, output });
      const content = await session.wait(name, `the clipboard of ${name}`, reply);
      if (json) session.printJson(asJson(content.contentType, Buffer.concat(kept)));
      else if (whole) showOnTerminal(session, content.contentType, Buffer.concat(kept));
    });
}

/** The file as a stream, and its size; standard input, whose size is not known, without one. */
async function openInput(
  session: Session,
  file: string | undefined,
): Promise<{ readonly input: AsyncIterable<Uint8Array>; readonly sizeBytes?: number }> {
  if (file === undefined || file === '-') return { input: session.context.stdin };
  const path = session.path(file);
  try {
    const { size } = await stat(path);
    return { input: readable(path), sizeBytes: size };
  } catch (error) {
    throw fileError(error, path);
  }
}

async function* readable(path: string): AsyncGenerator<Uint8Array> {
  try {
    yield* createReadStream(path) as AsyncIterable<Buffer>;
  } catch (error) {
    throw fileError(error, path);
  }
}

function defineSet(parent: Command, session: Session): void {
  parent
    .command('set')
    .summary('put something on the clipboard')
    .description(
      'Puts a file or standard input on the clipboard of the guest, to be pasted there. It stays until the guest copies something, or, where kame-tools do not run in its session, until the daemon ends.',
    )
    .argument('<name>', machineText)
    .argument('[file]', 'file with the content (default: standard input)')
    .option('--type <type>', `${typeText} (default: by the name of the file, or text)`, contentType)
    .option('--json', jsonShape('{name, contentType, sizeBytes}'))
    .addHelpText(
      'after',
      examples('echo hello | kame clipboard set demo', 'kame clipboard set demo picture.png'),
    )
    .action(async (name, file, { type }) => {
      const chosen = type ?? (file === undefined ? undefined : contentTypeOfFile(file)) ?? textType;
      const { input, sizeBytes } = await openInput(session, file);
      const request = { type: chosen, ...given({ sizeBytes }) };
      const options = { signal: session.signal, input };
      try {
        const reply = session.client.clipboard.set(session.machine(name), request, options);
        const bytes = await session.wait(name, `the clipboard of ${name}`, reply);
        if (session.json) session.printJson({ name, contentType: chosen, sizeBytes: bytes });
        else session.print(`${name}: ${formatSize(bytes)} of ${chosen} on the clipboard`);
      } finally {
        // Otherwise an input that has not ended would keep the command from ending after a refusal.
        session.context.stdin.destroy();
      }
    });
}

function defineWatch(parent: Command, session: Session): void {
  parent
    .command('watch')
    .summary('print what is on the clipboard whenever it changes')
    .description(
      'Prints what is on the clipboard of the guest, and again whenever it changes, until Ctrl-C or until the machine stops.',
    )
    .argument('<name>', machineText)
    .option('--json', jsonShape('one ClipboardStatus per line'))
    .addHelpText('after', examples('kame clipboard watch demo', 'kame clipboard watch demo --json'))
    .action(async (name) => {
      const { client, json, signal } = session;
      try {
        for await (const status of client.clipboard.watch(session.machine(name), { signal })) {
          if (json) session.printJsonLine(status);
          else session.print(`${new Date().toLocaleTimeString('en-GB')}  ${statusText(status)}`);
        }
      } catch (error) {
        // Ctrl-C is the normal way to end this command.
        if (!(error instanceof KameError && error.code === 'CANCELLED')) throw error;
      }
    });
}

export function define(program: Command, session: Session): void {
  const clipboard = program
    .command('clipboard')
    .description(
      'Reads, sets and watches the clipboard of the desktop of a running guest. The guest needs kame-tools in the session of its desktop (`kame tools install`), or spice-vdagent, which most systems install by themselves but which carries neither HTML nor much of Wayland.',
    )
    .addHelpText('after', examples('kame clipboard get demo', 'echo hello | kame clipboard set demo'));
  defineShow(clipboard, session);
  defineGet(clipboard, session);
  defineSet(clipboard, session);
  defineWatch(clipboard, session);
}
