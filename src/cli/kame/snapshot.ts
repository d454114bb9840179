import type { Command } from '@commander-js/extra-typings';
import type { RevertedMachine, Snapshot, TakenSnapshot } from '../../api/checkpoint.ts';
import { KameError } from '../../core/errors.ts';
import { formatDuration } from '../../core/units.ts';
import { confirmAtKeyboard } from '../confirm.ts';
import { freedText } from '../freed.ts';
import { noteAll } from '../notes.ts';
import { examples, filled, given, jsonShape, seconds, waitOption } from '../options.ts';
import type { Session } from '../session.ts';
import { pairsOf } from '../snapshot-text.ts';
import { treeLines } from '../../client/core/snapshot-lines.ts';
import { localTime } from '../local-time.ts';

const machineText = 'name, id or .vmx of a machine';
const snapshotText = `label of the snapshot, its path such as /a/b, or '#3' for uid 3`;
const filledLabel = filled('The label');
const filledSnapshot = filled('The name of the snapshot');

function takenText(machine: string, { label, stoppedMs }: TakenSnapshot): string {
  const pause = stoppedMs === null ? '' : `; the guest was paused for ${formatDuration(stoppedMs)}`;
  return `${machine}: snapshot ${label} was taken${pause}`;
}

function defineTake(parent: Command, session: Session): void {
  parent
    .command('take')
    .summary('take a snapshot')
    .description(
      'Takes a snapshot of the disks and, if the machine is running or paused, of its memory, so that a revert resumes the guest from that point.',
    )
    .argument('<name>', machineText)
    .argument('[label]', 'label of the snapshot (default: Snapshot and a number)', filledLabel)
    .option('--disk-only', 'leave out the memory; after a revert the guest boots as after a power failure')
    .option('--quiesce', 'have the guest agent freeze the file systems during the snapshot')
    .option('--description <text>', 'description of the snapshot')
    .option('--json', jsonShape('TakenSnapshot'))
    .addHelpText(
      'after',
      examples(
        'kame snapshot take demo',
        'kame snapshot take demo clean --description "before the update"',
        'kame snapshot take db nightly --disk-only --quiesce',
      ),
    )
    .action(async (name, label, { diskOnly, quiesce, description }) => {
      const body = given({ label, diskOnly, quiesce, description });
      const taken = await session.task(name, (options) =>
        session.client.snapshots.take(session.machine(name), body, options),
      );
      if (session.json) session.printJson(taken);
      else session.print(takenText(name, taken));
      noteAll(session, name, taken.notes);
    });
}

/** The notes after a label in the tree. */
function remarks({ autoProtect, clones, memory }: Snapshot): string {
  const parts = [
    ...(memory ? ['with memory'] : []),
    ...(autoProtect ? ['AutoProtect'] : []),
    ...(clones.length > 0 ? [`${clones.length} linked ${clones.length === 1 ? 'clone' : 'clones'}`] : []),
  ];
  return parts.length === 0 ? '' : ` (${parts.join(', ')})`;
}

function printTree(session: Session, snapshots: readonly Snapshot[]): void {
  const bold = session.paint('bold');
  // The tree is the last column: a deep one makes long lines.
  session.printTable(
    ['TAKEN', 'STATE', 'SNAPSHOT'],
    treeLines(snapshots).map(({ strokes, snapshot }) =>
      snapshot === null
        ? ['', '', { text: `${strokes}You are here`, paint: bold }]
        : [localTime(snapshot.createdAt), snapshot.state, strokes + snapshot.label + remarks(snapshot)],
    ),
  );
}

function defineList(parent: Command, session: Session): void {
  parent
    .command('list')
    .alias('ls')
    .summary('list the snapshots as a tree')
    .description('Lists the snapshots of a machine as a tree. "You are here" is below the current snapshot.')
    .argument('<name>', machineText)
    .option('--json', jsonShape('an array of Snapshot, parents before their children'))
    .addHelpText(
      'after',
      examples('kame snapshot list demo', `kame snapshot list demo --json | jq -r '.[].path'`),
    )
    .action(async (name) => {
      const snapshots = await session.client.snapshots.list(session.machine(name));
      if (session.json) session.printJson(snapshots);
      else if (snapshots.length > 0) printTree(session, snapshots);
      else session.note(`${name} has no snapshots. \`kame snapshot take ${name}\` takes one.`);
    });
}

function defineShow(parent: Command, session: Session): void {
  parent
    .command('show')
    .summary('show the details of a snapshot')
    .description('Shows the details of a snapshot.')
    .argument('<name>', machineText)
    .argument('<snapshot>', snapshotText, filledSnapshot)
    .option('--json', jsonShape('SnapshotDetails'))
    .addHelpText(
      'after',
      examples('kame snapshot show demo clean', 'kame snapshot show demo clean --json | jq .bytes'),
    )
    .action(async (name, reference) => {
      const snapshot = await session.client.snapshots.show(session.machine(name), reference);
      if (session.json) session.printJson(snapshot);
      else session.printPairs(pairsOf(snapshot, session));
    });
}

function revertedText(machine: RevertedMachine): string {
  return `${machine.name} is ${machine.state}, as in snapshot ${machine.snapshot}`;
}

function defineRevert(parent: Command, session: Session): void {
  parent
    .command('revert')
    .summary('revert the machine to a snapshot')
    .description(
      'Reverts a machine to a snapshot. Changes since then are lost unless another snapshot contains them. A machine that was running when the snapshot was taken resumes from that point.',
    )
    .argument('<name>', machineText)
    .argument('<snapshot>', snapshotText, filledSnapshot)
    .option('--no-start', 'leave the machine suspended; `kame start` resumes it')
    .addOption(waitOption())
    .option('--timeout <seconds>', 'how long to wait (default: 300)', seconds('--timeout'))
    .option('--json', jsonShape('RevertedMachine'))
    .addHelpText(
      'after',
      examples('kame snapshot revert demo clean', 'kame snapshot revert demo /clean/updated --no-start'),
    )
    .action(async (name, reference, { start, wait, timeout }) => {
      if (!start && (wait !== undefined || timeout !== undefined)) {
        throw new KameError('USAGE', '--wait and --timeout cannot be used with --no-start.');
      }
      const body = given({ start: start ? undefined : false, wait, timeoutMs: timeout });
      const machine = await session.task(name, (options) =>
        session.client.snapshots.revert(session.machine(name), reference, body, options),
      );
      if (session.json) session.printJson(machine);
      else session.print(revertedText(machine));
      noteAll(session, name, machine.notes);
    });
}

function defineRename(parent: Command, session: Session): void {
  parent
    .command('rename')
    .summary('change the label or description of a snapshot')
    .description('Changes the label or description of a snapshot.')
    .argument('<name>', machineText)
    .argument('<snapshot>', snapshotText, filledSnapshot)
    .argument('[new-label]', 'new label', filledLabel)
    .option('--description <text>', 'new description; empty to remove it')
    .option('--json', jsonShape('Snapshot'))
    .addHelpText(
      'after',
      examples(
        'kame snapshot rename demo clean installed',
        'kame snapshot rename demo clean --description "Debian 13, updated"',
      ),
    )
    .action(async (name, reference, newLabel, { description }) => {
      if (newLabel === undefined && description === undefined) {
        throw new KameError('USAGE', 'Neither a new label nor --description was given.', {
          next: '`kame snapshot rename --help` shows its usage.',
        });
      }
      const body = given({ label: newLabel, description });
      const snapshot = await session.client.snapshots.edit(session.machine(name), reference, body);
      if (session.json) session.printJson(snapshot);
      else if (newLabel === undefined)
        session.print(`${name}: the description of snapshot ${snapshot.label} was changed`);
      else session.print(`${name}: snapshot ${reference} was renamed to ${snapshot.label}`);
    });
}

/** Asks for confirmation if snapshots that were not named would be deleted. */
async function askForChildren(session: Session, name: string, reference: string): Promise<void> {
  const machine = session.machine(name);
  const [all, snapshot] = await Promise.all([
    session.client.snapshots.list(machine),
    session.client.snapshots.show(machine, reference),
  ]);
  const going = new Set([snapshot.uid]);
  for (const { uid, parent } of all) if (parent !== null && going.has(parent)) going.add(uid);
  if (going.size === 1) return;
  const labels = all.filter(({ uid }) => going.has(uid)).map(({ label }) => label);
  await confirmAtKeyboard(session, `Delete ${labels.length} snapshots of ${name}: ${labels.join(', ')}?`);
}

function defineDelete(parent: Command, session: Session): void {
  parent
    .command('delete')
    .summary('delete a snapshot')
    .description(
      'Deletes a snapshot. The machine and all other snapshots are not affected. With --children, also deletes the snapshots below it.',
    )
    .argument('<name>', machineText)
    .argument('<snapshot>', snapshotText, filledSnapshot)
    .option('--children', 'also delete the snapshots below it; asks for confirmation on a terminal')
    .option('-y, --yes', 'do not ask for confirmation')
    .option('--json', jsonShape('DeletedSnapshots'))
    .addHelpText(
      'after',
      examples('kame snapshot delete demo clean', 'kame snapshot delete demo clean --children --yes'),
    )
    .action(async (name, reference, { children, yes }) => {
      if (children === true && yes !== true) await askForChildren(session, name, reference);
      const { snapshots } = session.client;
      const gone = await session.task(name, (options) =>
        snapshots.delete(session.machine(name), reference, given({ children }), options),
      );
      if (session.json) session.printJson(gone);
      else session.print(`${name}: deleted ${gone.deleted.join(', ')}; ${freedText(gone.bytesFreed)}`);
      noteAll(session, name, gone.notes);
    });
}

export function define(program: Command, session: Session): void {
  const snapshot = program
    .command('snapshot')
    .description(
      'Takes, lists, renames and deletes snapshots, and reverts machines to them. A machine can be stopped, running or paused.',
    )
    .addHelpText(
      'after',
      examples('kame snapshot take demo clean', 'kame snapshot list demo', 'kame snapshot revert demo clean'),
    );
  defineTake(snapshot, session);
  defineList(snapshot, session);
  defineShow(snapshot, session);
  defineRevert(snapshot, session);
  defineRename(snapshot, session);
  defineDelete(snapshot, session);
}
