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

/** The kind that was asked for, or undefined. @throws KameError USAGE for two at once */
function askedKind(flags: KindFlags): CloneKind | undefined {
  const kinds = cloneKinds.filter((kind) => flags[kind] === true);
  if (kinds.length > 1) {
    throw new KameError('USAGE', `${kinds.map((kind) => `--${kind}`).join(' and ')} exclude each other.`, {
      next: 'Say one of them. `kame clone --help` tells what they mean.',
    });
  }
  return kinds[0];
}

function addCommand(program: Command) {
  return program
    .command('clone')
    .summary('copy machines: full, linked, or instantly while they run')
    .description(
      'Makes machines out of one, with a MAC and UUID of their own; the guests of instant clones get a hostname, ' +
        'machine-id and SSH host keys of their own, and the right time. ' +
        'Without a kind: --instant of a running machine, --full of a stopped one or a snapshot.',
    )
    .argument('<name>', 'name, id or .vmx of a machine')
    .argument('<new-name>', 'name of the clone; with --count they are NEW-1, NEW-2 and so on')
    .option('--full', 'disks of its own')
    .option('--linked', 'disks that build on a snapshot of the source, which can’t be deleted then')
    .option('--instant', 'running copies of a running machine, which runs on')
    .option(
      '--snapshot <snapshot>',
      `clone a snapshot: its label, its path such as /a/b, or '#3' for uid 3`,
      filled('--snapshot'),
    )
    .option('--count <n>', 'how many, at once (default: 1)', integer('--count', 1, maxClones))
    .option('--start', 'start what is made; instant clones always run')
    .option('--keep-identity', 'keep all of that as it is in the source')
    .addOption(waitOption('what to wait for in clones that run'))
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

function textOf({ machines, agentMs }: ClonedMachines): string {
  return machines
    .map((machine, index) => {
      const ms = agentMs[index] ?? null;
      if (machine.state === 'stopped') return `${machine.name} is made: ${machine.path}`;
      const agent = ms === null ? '' : `: agent answered after ${formatDuration(ms)}`;
      return `${machine.name} is ${machine.state}${agent}${machine.ip === null ? '' : `, ${machine.ip}`}`;
    })
    .join('\n');
}

/** The kind for whoever named none: a running machine would have to be stopped for any but an instant clone. */
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
        throw new KameError('USAGE', '--wait and --timeout only make sense for clones that are started.');
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
    else session.print(textOf(cloned));
    if (cloned.stoppedMs !== null)
      session.note(`${name} stood still for ${formatDuration(cloned.stoppedMs)}`);
    noteAll(session, name, cloned.notes);
  });
}
