import type { Command } from '@commander-js/extra-typings';
import type { CloneKind, ClonedMachines } from '../../api/checkpoint.ts';
import { cloneKinds, maxClones } from '../../api/limits.ts';
import { KameError } from '../../core/errors.ts';
import { formatDuration } from '../../core/units.ts';
import { noteAll } from '../notes.ts';
import { examples, filled, given, integer, jsonShape, seconds, waitOption } from '../options.ts';
import type { Session } from '../session.ts';

interface KindFlags {
  readonly full?: true | undefined;
  readonly linked?: true | undefined;
  readonly instant?: true | undefined;
}

/** The requested kind, or undefined. @throws KameError USAGE for more than one */
function askedKind(flags: KindFlags): CloneKind | undefined {
  const kinds = cloneKinds.filter((kind) => flags[kind] === true);
  if (kinds.length > 1) {
    throw new KameError(
      'USAGE',
      `${kinds.map((kind) => `--${kind}`).join(' and ')} cannot be used together.`,
      {
        next: 'Use one of them. `kame clone --help` explains them.',
      },
    );
  }
  return kinds[0];
}

function addCommand(program: Command) {
  return program
    .command('clone')
    .description(
      'Clones a machine. Each clone gets its own MAC address and UUID. The guest of an instant clone also gets its own ' +
        'hostname, machine-id and SSH host keys, and its clock is set. ' +
        'Default: --instant for a running machine, --full for a stopped machine or a snapshot.',
    )
    .argument('<name>', 'name, id or .vmx of a machine')
    .argument('<new-name>', 'name of the clone; with --count, the clones are named NEW-1, NEW-2 and so on')
    .option('--full', 'copy the disks')
    .option(
      '--linked',
      'use a snapshot of the source as the base of the disks; it cannot be deleted while the clone exists',
    )
    .option('--instant', 'make running copies of a running machine, which keeps running')
    .option(
      '--snapshot <snapshot>',
      `snapshot to clone: its label, its path such as /a/b, or '#3' for uid 3`,
      filled('--snapshot'),
    )
    .option('--count <n>', 'number of clones (default: 1)', integer('--count', 1, maxClones))
    .option('--start', 'start the clones; instant clones always run')
    .option('--keep-identity', 'keep the MAC address, UUID, hostname and keys of the source')
    .addOption(waitOption('what to wait for when clones start'))
    .option('--timeout <seconds>', 'how long to wait (default: 300)', seconds('--timeout'))
    .option('--json', jsonShape('ClonedMachines'))
    .addHelpText(
      'after',
      examples(
        'kame clone demo copy',
        'kame clone demo test --instant --count 7',
        'kame clone demo fix --linked --snapshot clean --start',
      ),
    );
}

function linesOf({ machines, agentMs }: ClonedMachines): string[] {
  return machines.map((machine, index) => {
    const ms = agentMs[index] ?? null;
    if (machine.state === 'stopped') return `${machine.name} was created: ${machine.path}`;
    const agent = ms === null ? '' : `: agent answered after ${formatDuration(ms)}`;
    return `${machine.name} is ${machine.state}${agent}${machine.ip === null ? '' : `, ${machine.ip}`}`;
  });
}

/** The default kind: of a running machine only an instant clone can be made. */
async function defaultKind(session: Session, name: string, snapshot?: string): Promise<CloneKind> {
  if (snapshot !== undefined) return 'full';
  const { state } = await session.client.machines.show(session.machine(name));
  return state === 'running' || state === 'paused' ? 'instant' : 'full';
}

export function define(program: Command, session: Session): void {
  addCommand(program).action(async (name, newName, options) => {
    const { snapshot, count, start, keepIdentity, wait, timeout } = options;
    const asked = askedKind(options);
    if (asked !== undefined && asked !== 'instant' && start !== true) {
      if (wait !== undefined || timeout !== undefined)
        throw new KameError('USAGE', '--wait and --timeout can only be used for clones that are started.');
    }
    const kind = asked ?? (await defaultKind(session, name, snapshot));
    const body = {
      name: newName,
      kind,
      ...given({ snapshot, count, start, keepIdentity, wait, timeoutMs: timeout }),
    };
    const cloned = await session.task(name, (task) =>
      session.client.machines.clone(session.machine(name), body, task),
    );
    if (session.json) session.printJson(cloned);
    else for (const line of linesOf(cloned)) session.print(line);
    if (cloned.stoppedMs !== null) session.note(`${name} was paused for ${formatDuration(cloned.stoppedMs)}`);
    noteAll(session, name, cloned.notes);
  });
}
