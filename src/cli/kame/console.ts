import type { Command } from '@commander-js/extra-typings';
import type { TerminalInput } from '../context.ts';
import { examples, jsonShape } from '../options.ts';
import type { Session } from '../session.ts';
import { printSocket } from '../websocket-address.ts';
import { writeAll } from '../write-all.ts';

/** Ctrl-], as a terminal in raw mode sends it. */
const leave = 0x1d;
/** Resets what a guest may have left behind: colours, a hidden cursor, mouse and paste reports. */
const calm = '\u001b[0m\u001b[?25h\u001b[?1000l\u001b[?1002l\u001b[?1003l\u001b[?1006l\u001b[?2004l';
const enterOtherScreen = '\u001b[?1049h';
const leaveOtherScreen = '\u001b[?1049l';

interface Screen {
  /** Whether a program in the guest uses the alternate screen, as editors do. */
  other: boolean;
}

function watch(screen: Screen, chunk: Uint8Array): void {
  const text = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength).toString('latin1');
  const entered = text.lastIndexOf(enterOtherScreen);
  const left = text.lastIndexOf(leaveOtherScreen);
  if (entered !== left) screen.other = entered > left;
}

/** Sends input until Ctrl-], the end of a pipe or the end of the connection. True if the user pressed Ctrl-]. */
async function sendKeys(stdin: TerminalInput, write: (data: Uint8Array) => Promise<void>): Promise<boolean> {
  for await (const chunk of stdin as AsyncIterable<Buffer>) {
    const end = stdin.isTTY === true ? chunk.indexOf(leave) : -1;
    const keys = end < 0 ? chunk : chunk.subarray(0, end);
    if (keys.length > 0) await write(keys);
    if (end >= 0) return true;
  }
  return false;
}

async function attach(session: Session, name: string): Promise<void> {
  const { stdin, stdout, stderr } = session.context;
  const { signal } = session;
  const connection = await session.client.machines.console(session.machine(name), { signal });
  const raw = stdin.isTTY === true;
  const screen: Screen = { other: false };
  let left = false;
  if (raw) {
    session.note(`Connected to the serial console of ${name}. Press Ctrl-] to leave.`);
    stdin.setRawMode?.(true);
  }
  try {
    void sendKeys(stdin, (data) => connection.write(data)).then(
      (wantsToLeave) => {
        left = wantsToLeave;
        // At the end of a pipe the guest's reply is still to come.
        if (wantsToLeave) connection.close();
      },
      () => connection.close(),
    );
    for await (const chunk of connection.output) {
      watch(screen, chunk);
      await writeAll(stdout, chunk);
    }
  } finally {
    connection.close();
    if (raw) {
      stdin.setRawMode?.(false);
      if (stdout.isTTY === true) stdout.write(`${screen.other ? leaveOtherScreen : ''}${calm}`);
      stderr.write('\r\n');
    }
    // A pending read would keep the process alive.
    stdin.destroy();
  }
  if (!signal.aborted)
    session.note(left ? `Disconnected from the console of ${name}.` : `The console of ${name} was closed.`);
}

export function define(program: Command, session: Session): void {
  program
    .command('console')
    .description(
      'Connects this terminal to the serial console of a machine. Press Ctrl-] to leave. Input from a pipe is sent to ' +
        'the console, and its output is printed until the machine stops or you press Ctrl-C.',
    )
    .argument('<name>', 'name, id or .vmx of a machine')
    .option('--json', jsonShape('{name, socket, path}, the address of its WebSocket, instead of connecting'))
    .addHelpText('after', examples('kame console demo'))
    .action(async (name) => {
      if (!session.json) {
        await attach(session, name);
        return;
      }
      await printSocket(session, name, 'machines.console');
    });
}
