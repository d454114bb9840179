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
import { localTime, treeLines } from '../snapshot-tree.ts';

const machineText = 'name, id or .vmx of a machine';
const snapshotText = `its label, its path such as /a/b, or '#3' for uid 3`;
const filledLabel = filled('The label');
const filledSnapshot = filled('The name of the snapshot');

function takenText(machine: string, { label, stoppedMs }: TakenSnapshot): string {
  const pause = stoppedMs === null ? '' : `; the guest stood still for ${formatDuration(stoppedMs)}`;
  return `${machine}: snapshot ${label} is taken${pause}`;
}

function defineTake(parent: Command, session: Session): void {
  parent
    .command('take')
    .summary('take one')
    .description(
      'Takes a snapshot: the disks, and of a running machine the memory too, so that a revert goes on where it was.',
    )
    .argument('<name>', machineText)
    .argument('[label]', 'what it shall be called (default: Snapshot and a number)', filledLabel)
    .option('--disk-only', 'leave out the memory: a revert boots, as after a power cut')
    .option('--quiesce', 'have the guest agent freeze the file systems meanwhile')
    .option('--description <text>', 'what it is for')
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

/** What stands behind a label in the tree. */
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
  // The tree stands last: a deep one makes long lines.
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
    .summary('show them as a tree')
    .description(
      'Shows the snapshots as a tree. "You are here" is below the snapshot that the machine goes on from.',
    )
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
      else session.note(`${name} has no snapshot. \`kame snapshot take ${name}\` takes one.`);
    });
}

function defineShow(parent: Command, session: Session): void {
  parent
    .command('show')
    .summary('show all there is to know of one')
    .description('Shows all there is to know of a snapshot.')
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
    .summary('bring the machine back to one')
    .description(
      'Brings a machine back to a snapshot. What came after it and is in no snapshot is lost. A machine that ran when the snapshot was taken runs on from there.',
    )
    .argument('<name>', machineText)
    .argument('<snapshot>', snapshotText, filledSnapshot)
    .option('--no-start', 'leave it suspended; `kame start` goes on from there')
    .addOption(waitOption())
    .option('--timeout <seconds>', 'how long to wait (default: 300)', seconds('--timeout'))
    .option('--json', jsonShape('RevertedMachine'))
    .addHelpText(
      'after',
      examples('kame snapshot revert demo clean', 'kame snapshot revert demo /clean/updated --no-start'),
    )
    .action(async (name, reference, { start, wait, timeout }) => {
      if (!start && (wait !== undefined || timeout !== undefined)) {
        throw new KameError('USAGE', '--wait and --timeout make no sense with --no-start.');
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
    .summary('give one another label or description')
    .description('Gives a snapshot another label or description.')
    .argument('<name>', machineText)
    .argument('<snapshot>', snapshotText, filledSnapshot)
    .argument('[new-label]', 'the label it gets', filledLabel)
    .option('--description <text>', 'the description it gets; empty for none')
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
        throw new KameError('USAGE', 'Neither a new label nor --description is given.', {
          next: '`kame snapshot rename --help` shows the form.',
        });
      }
      const body = given({ label: newLabel, description });
      const snapshot = await session.client.snapshots.edit(session.machine(name), reference, body);
      if (session.json) session.printJson(snapshot);
      else if (newLabel === undefined) session.print(`${name}: snapshot ${snapshot.label} is described`);
      else session.print(`${name}: snapshot ${reference} is now ${snapshot.label}`);
    });
}

/** Asks when snapshots go that were not named. */
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
    .summary('delete one, or it and those below it')
    .description(
      'Deletes a snapshot; the machine and all other snapshots stay as they are. With --children those below it go too.',
    )
    .argument('<name>', machineText)
    .argument('<snapshot>', snapshotText, filledSnapshot)
    .option('--children', 'those below it too; asks first at a keyboard')
    .option('-y, --yes', 'do not ask')
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
    .summary('take snapshots and go back to them')
    .description(
      'Takes, lists, reverts to and deletes snapshots of stopped, running and paused machines: any number, in any order.',
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
