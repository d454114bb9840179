import { Argument, Option, type Command } from '@commander-js/extra-typings';
import type { AutoProtect } from '../../api/checkpoint.ts';
import { autoProtectPeriods, maxAutoProtectKeep } from '../../api/limits.ts';
import { KameError } from '../../core/errors.ts';
import { examples, given, integer, jsonShape } from '../options.ts';
import type { Session } from '../session.ts';

const periods: Record<AutoProtect['every'], string> = { '30m': 'half-hour', '1h': 'hour', '1d': 'day' };

/** Running time to the minute, which is all that counts here: `42 min`, `23 h 5 min`. */
function minutesText(ms: number): string {
  const minutes = Math.ceil(ms / 60_000);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

function textOf(name: string, settings: AutoProtect): string {
  const there = `${settings.snapshots} there now`;
  if (!settings.enabled) return `AutoProtect of ${name} is off (${there})`;
  const next =
    settings.nextInMs === null ? '' : `; the next when it has run ${minutesText(settings.nextInMs)} more`;
  return `AutoProtect of ${name} is on: a snapshot each ${periods[settings.every]} it runs, ${settings.keep} are kept (${there})${next}`;
}

export function define(program: Command, session: Session): void {
  program
    .command('autoprotect')
    .summary('take snapshots regularly while a machine runs')
    .description(
      'Takes snapshots regularly and deletes the oldest of them. Only the time that the machine runs counts. Without on or off it shows how that is set.',
    )
    .argument('<name>', 'name, id or .vmx of a machine')
    .addArgument(new Argument('[switch]', 'on or off').choices(['on', 'off'] as const))
    .addOption(
      new Option('--every <period>', 'how often (default: as it is set, else 1d)').choices(
        autoProtectPeriods,
      ),
    )
    .option(
      '--keep <n>',
      'how many are kept (default: as it is set, else 3)',
      integer('--keep', 1, maxAutoProtectKeep),
    )
    .option('--json', jsonShape('AutoProtect'))
    .addHelpText(
      'after',
      examples(
        'kame autoprotect demo on --every 1h --keep 5',
        'kame autoprotect demo',
        'kame autoprotect demo off',
      ),
    )
    .action(async (name, choice, { every, keep }) => {
      if (choice !== 'on' && (every !== undefined || keep !== undefined)) {
        throw new KameError('USAGE', '--every and --keep only make sense with on.', {
          next: 'Write for example: kame autoprotect NAME on --every 1h --keep 5',
        });
      }
      const machine = session.machine(name);
      const settings =
        choice === undefined
          ? await session.client.autoProtect.show(machine)
          : await session.client.autoProtect.set(machine, {
              enabled: choice === 'on',
              ...given({ every, keep }),
            });
      if (session.json) session.printJson(settings);
      else session.print(textOf(name, settings));
    });
}
