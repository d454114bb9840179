import { existsSync } from 'node:fs';
import { Option, type Command } from '@commander-js/extra-typings';
import { KameError } from '../../core/errors.ts';
import {
  collect,
  examples,
  given,
  integer,
  jsonShape,
  keyValue,
  seconds,
  size,
  waitOption,
} from '../options.ts';
import { noteProblems } from '../problems.ts';
import type { Session } from '../session.ts';
import { publicKeysIn } from '../ssh-key.ts';
import { startedText } from '../started.ts';

/** The reference to an image that is sent to the daemon: a path becomes absolute; an id or a URL is unchanged. */
export function imageReference(session: Session, text: string): string {
  if (/^https?:\/\//i.test(text)) return text;
  const path = session.path(text);
  return text.includes('/') || text.startsWith('.') || existsSync(path) ? path : text;
}

function addCommand(program: Command) {
  return program
    .command('create')
    .description('Creates a machine from an image, or an empty machine for installation from an ISO.')
    .argument('<new-name>', 'name of the machine')
    .option(
      '--image <image>',
      'tiny, an id from `kame image list`, a path or a URL (default: tiny, unless --iso is given)',
    )
    .option('--refresh', 'download the image again, even if there is a copy of it')
    .option('--iso <path>', 'installation ISO to boot from')
    .addOption(
      new Option('--arch <arch>', 'architecture (default: that of --guest-os, else aarch64)').choices([
        'aarch64',
        'x86_64',
      ] as const),
    )
    .option('--cpus <n>', 'number of virtual processors', integer('--cpus', 1, 512))
    .option('--memory <size>', 'memory size, such as 1GiB', size('--memory'))
    .option('--disk <size>', 'disk size, such as 20GiB', size('--disk'))
    .option('--guest-os <id>', 'guest OS id, such as arm-debian12-64')
    .option('--user <name>', 'user that cloud-init creates in the guest')
    .option('--ssh-key <file>', 'file with public keys for that user; may be repeated', collect)
    .option('--set <key=value>', 'any other setting, as in `kame set`; may be repeated', collect)
    .option('--start', 'start the machine')
    .addOption(waitOption('with --start: what to wait for'))
    .option('--timeout <seconds>', 'with --start: how long to wait (default: 300)', seconds('--timeout'))
    .option('--json', jsonShape('MachineDetails; with --start StartedMachine'))
    .addHelpText(
      'after',
      examples(
        'kame create demo --start',
        'kame create web --image debian-12 --memory 2GiB --disk 20GiB --user me --ssh-key ~/.ssh/id_ed25519.pub',
        'kame create win --iso ./win11-arm64.iso --guest-os arm-windows11-64 --cpus 4 --memory 8GiB',
        'kame create old --image ./old.vmdk --arch x86_64 --set annotation="From the attic"',
      ),
    );
}

export function define(program: Command, session: Session): void {
  addCommand(program).action(async (name, options) => {
    const { image, iso, start, wait, timeout, sshKey, set, ...rest } = options;
    if (start !== true && (wait !== undefined || timeout !== undefined)) {
      throw new KameError('USAGE', '--wait and --timeout can only be used with --start.');
    }
    const chosen = image ?? (iso === undefined ? 'tiny' : undefined);
    const body = {
      name,
      ...given({
        image: chosen === undefined ? undefined : imageReference(session, chosen),
        iso: iso === undefined ? undefined : session.path(iso),
        refresh: rest.refresh,
        arch: rest.arch,
        cpus: rest.cpus,
        memoryBytes: rest.memory,
        diskBytes: rest.disk,
        guestOS: rest.guestOs,
        user: rest.user,
        sshKeys:
          sshKey === undefined
            ? undefined
            : (await Promise.all(sshKey.map((file) => publicKeysIn(session.path(file))))).flat(),
        settings: set?.map((text) => keyValue(text, '--set')),
      }),
    };
    const machine = await session.task(name, (task) => session.client.machines.create(body, task));
    noteProblems(session, machine);
    if (start !== true) {
      if (session.json) session.printJson(machine);
      else session.print(`${machine.name} was created: ${machine.path}`);
      return;
    }
    const power = given({ wait, timeoutMs: timeout });
    const started = await session.task(name, (task) =>
      session.client.machines.start(machine.path, power, task),
    );
    if (session.json) session.printJson(started);
    else session.print(startedText(started));
  });
}
