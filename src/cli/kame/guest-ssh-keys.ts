import type { Command } from '@commander-js/extra-typings';
import { machineText, waitForGuest } from '../guest-options.ts';
import { examples, jsonShape } from '../options.ts';
import type { Session } from '../session.ts';
import { publicKeysIn } from '../ssh-key.ts';
import { counted } from '../text.ts';

const userText = 'user of the guest';
const fileText = 'file with public keys, one a line';

function print(session: Session, name: string, user: string, keys: readonly string[]): void {
  if (session.json) session.printJson({ keys });
  else session.print(`${name}: ${user} has ${counted(keys.length, 'key')}`);
}

function defineList(parent: Command, session: Session): void {
  parent
    .command('list')
    .summary('list the SSH keys of a user of the guest')
    .description('Prints the keys that let a user of the guest in by SSH, one a line.')
    .argument('<name>', machineText)
    .argument('<user>', userText)
    .option('--json', jsonShape('GuestSshKeys'))
    .addHelpText('after', examples('kame guest ssh-key list demo root'))
    .action(async (name, user) => {
      const { signal } = session;
      const reply = session.client.guestUsers.sshKeys(session.machine(name), user, { signal });
      const { keys } = await waitForGuest(session, name, reply);
      if (session.json) session.printJson({ keys });
      else for (const key of keys) session.print(key);
    });
}

function defineAdd(parent: Command, session: Session): void {
  parent
    .command('add')
    .summary('add SSH keys of a user of the guest')
    .description('Lets whoever has these keys in by SSH as a user of the guest.')
    .argument('<name>', machineText)
    .argument('<user>', userText)
    .argument('<file>', fileText)
    .option('--replace', 'remove all other keys')
    .option('--json', jsonShape('GuestSshKeys'))
    .addHelpText('after', examples('kame guest ssh-key add demo root ~/.ssh/id_ed25519.pub'))
    .action(async (name, user, file, { replace = false }) => {
      const { signal } = session;
      const keys = await publicKeysIn(session.path(file));
      const machine = session.machine(name);
      const reply = session.client.guestUsers.addSshKeys(machine, user, { keys, replace }, { signal });
      print(session, name, user, (await waitForGuest(session, name, reply)).keys);
    });
}

function defineRemove(parent: Command, session: Session): void {
  parent
    .command('remove')
    .summary('remove SSH keys of a user of the guest')
    .description('Removes keys that let somebody in by SSH as a user of the guest.')
    .argument('<name>', machineText)
    .argument('<user>', userText)
    .argument('<file>', fileText)
    .option('--json', jsonShape('GuestSshKeys'))
    .addHelpText('after', examples('kame guest ssh-key remove demo root ~/.ssh/id_ed25519.pub'))
    .action(async (name, user, file) => {
      const { signal } = session;
      const keys = await publicKeysIn(session.path(file));
      const machine = session.machine(name);
      const reply = session.client.guestUsers.removeSshKeys(machine, user, { keys }, { signal });
      print(session, name, user, (await waitForGuest(session, name, reply)).keys);
    });
}

/** `kame guest ssh-key`. */
export function defineSshKeys(parent: Command, session: Session): void {
  const keys = parent
    .command('ssh-key')
    .summary('list, add and remove SSH keys of users of the guest')
    .description('The keys that let somebody in by SSH as a user of the guest. It needs the guest agent.');
  defineList(keys, session);
  defineAdd(keys, session);
  defineRemove(keys, session);
}
