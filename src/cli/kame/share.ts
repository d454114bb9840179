import type { Command } from '@commander-js/extra-typings';
import type { MachineShares } from '../../api/generated/shapes.ts';
import { examples, filled, given, jsonShape } from '../options.ts';
import type { Session } from '../session.ts';

const machineText = 'name, id or .vmx of a machine';

/** How people reach the folders in the guest. */
function printMount(session: Session, { mounted, mount, needs, address, note }: MachineShares): void {
  if (mounted !== null) session.note(`In the guest: ${mounted}`);
  else if (mount === null) session.note(`In the guest: ${address}; it needs ${needs}`);
  else session.note(`In the guest: ${mount}`, `It needs ${needs}.`);
  if (note !== null) session.note(note);
}

function defineList(parent: Command, session: Session): void {
  parent
    .command('list')
    .alias('ls')
    .summary('list the shared folders of a machine')
    .description('Lists the shared folders of a machine, and how its guest reaches them.')
    .argument('<name>', machineText)
    .option('--json', jsonShape('MachineShares'))
    .addHelpText('after', examples('kame share list demo'))
    .action(async (name) => {
      const { signal } = session;
      const shares = await session.client.shares.list(session.machine(name), { signal });
      if (session.json) {
        session.printJson(shares);
        return;
      }
      session.printTable(
        ['SHARE', 'FOLDER', 'ACCESS', 'STATE'],
        shares.folders.map(({ name: share, hostPath, writable, state }) => [
          share,
          hostPath,
          writable ? 'read-write' : 'read-only',
          state === 'shared' ? state : { text: state, paint: session.paint('yellow') },
        ]),
      );
      for (const { name: share, reason } of shares.folders)
        if (reason !== null) session.note(`${share}: ${reason}`);
      if (shares.folders.length > 0) printMount(session, shares);
    });
}

function defineAdd(parent: Command, session: Session): void {
  parent
    .command('add')
    .summary('share a folder with the guest')
    .description(
      'Shares a folder of this computer with a guest, at once if it runs. Links in the folder are not followed, and only files and ' +
        'folders are shared. If the folder is shared by that name already, this changes whether the guest may write.',
    )
    .argument('<name>', machineText)
    .argument('<path>', 'folder of this computer')
    .option('--name <share>', 'its name in the guest (default: that of the folder)', filled('--name'))
    .option('--read-only', 'the guest may not change what is in it')
    .option('--json', jsonShape('MachineShares'))
    .addHelpText(
      'after',
      examples('kame share add demo ~/work', 'kame share add demo /srv/data --name data --read-only'),
    )
    .action(async (name, path, { name: share, readOnly }) => {
      const { signal } = session;
      const hostPath = session.path(path);
      const body = { hostPath, ...given({ name: share, readOnly }) };
      const shares = await session.client.shares.add(session.machine(name), body, { signal });
      if (session.json) {
        session.printJson(shares);
        return;
      }
      session.print(`${name}: ${path} is shared${readOnly === true ? ' read-only' : ''}`);
      printMount(session, shares);
    });
}

function defineRemove(parent: Command, session: Session): void {
  parent
    .command('remove')
    .summary('stop sharing a folder')
    .description('Stops sharing a folder, at once if the machine runs. What is in the folder stays.')
    .argument('<name>', machineText)
    .argument('<share>', 'name of the shared folder in the guest')
    .option('--json', jsonShape('MachineShares'))
    .addHelpText('after', examples('kame share remove demo work'))
    .action(async (name, share) => {
      const { signal } = session;
      const shares = await session.client.shares.remove(session.machine(name), share, { signal });
      if (session.json) session.printJson(shares);
      else session.print(`${name}: ${share} is no longer shared`);
    });
}

export function define(program: Command, session: Session): void {
  const share = program
    .command('share')
    .description('Lists, adds and removes the folders of this computer that a guest may use.')
    .addHelpText('after', examples('kame share add demo ~/work', 'kame share list demo'));
  defineList(share, session);
  defineAdd(share, session);
  defineRemove(share, session);
}
