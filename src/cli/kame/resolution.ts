import type { Command } from '@commander-js/extra-typings';
import { isRounded, widthStep, type DisplaySize } from '../../api/display-size.ts';
import type { ResolutionChange } from '../../api/generated/shapes.ts';
import { KameError } from '../../core/errors.ts';
import { examples, given, jsonShape, seconds } from '../options.ts';
import type { Session } from '../session.ts';

function parseSize(text: string): DisplaySize {
  const [, width, height] = /^(\d{1,5})x(\d{1,5})$/i.exec(text.trim()) ?? [];
  if (width === undefined || height === undefined) {
    throw new KameError('USAGE', `The resolution "${text}" is malformed: it must be WIDTHxHEIGHT.`, {
      next: 'For example: kame resolution demo 1600x900',
    });
  }
  return { width: Number(width), height: Number(height) };
}

const sizeText = ({ width, height }: DisplaySize) => `${width}x${height}`;

/** Why the display does not have the wanted size, as far as can be told from outside. */
function missed(name: string, { wanted, ...size }: ResolutionChange): KameError {
  const words = `The display of ${name} has ${sizeText(size)}, not ${sizeText(wanted)}.`;
  return new KameError('GUEST_TIMEOUT', words, {
    next: isRounded(size, wanted)
      ? `Choose a width that is a multiple of ${widthStep}: X11 rounds others down.`
      : 'On X11 the guest needs spice-vdagent, and on Wayland desktops of wlroots, such as labwc, kame-tools in the session.',
    details: { machine: name },
  });
}

async function change(
  session: Session,
  name: string,
  wanted: DisplaySize,
  timeoutMs?: number,
): Promise<void> {
  const body = { ...wanted, ...given({ timeoutMs }) };
  const result = await session.task(
    name,
    async (options) => await session.client.machines.setResolution(session.machine(name), body, options),
  );
  if (session.json) session.printJson(result);
  else session.print(sizeText(result));
  if (!result.reached) session.fail(missed(name, result));
}

export function define(program: Command, session: Session): void {
  program
    .command('resolution')
    .description(
      'Prints the resolution of the display of a running machine, or changes it and prints the one that the display then has. If the guest does not follow, it is asked once more; the exit code is 1 if the display does not have the wanted resolution in the end.',
    )
    .argument('<name>', 'name, id or .vmx of a machine')
    .argument('[resolution]', 'WIDTHxHEIGHT in pixels', parseSize)
    .option(
      '--timeout <seconds>',
      'how long the guest may take to follow (default: 20)',
      seconds('--timeout'),
    )
    .option('--json', jsonShape('Resolution, or ResolutionChange after a change'))
    .addHelpText('after', examples('kame resolution demo', 'kame resolution demo 1600x900'))
    .action(async (name, wanted, { timeout }) => {
      if (wanted) {
        await change(session, name, wanted, timeout);
        return;
      }
      const reply = session.client.machines.resolution(session.machine(name), { signal: session.signal });
      const size = await session.wait(name, `the engine of ${name}`, reply);
      if (session.json) session.printJson(size);
      else session.print(sizeText(size));
    });
}
