import { readFile } from 'node:fs/promises';
import type { Command } from '@commander-js/extra-typings';
import { KameError } from '../../core/errors.ts';
import { fileError } from '../../sys/files.ts';
import { machineText, waitForGuest } from '../guest-options.ts';
import { examples, jsonShape } from '../options.ts';
import type { Session } from '../session.ts';

const userText = 'user of the guest';
const fileText = 'file with public keys, one a line';
const maxFile = 1024 * 1024;

/** The public keys in a file. @throws KameError FILE_ACCESS, USAGE when there are none, or a private key */
async function keysIn(session: Session, file: string): Promise<string[]> {
  const path = session.path(file);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    throw fileError(error, path);
  }
  if (text.length > maxFile || text.includes('PRIVATE KEY'))
    throw new KameError('USAGE', `${path} is not a file of public keys.`, {
      next: 'Name the file that ends with .pub.',
    });
  const keys = text
    .split(/\r?\n/u)
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
  if (keys.length === 0) throw new KameError('USAGE', `${path} has no public key.`);
  return keys;
}

function print(session: Session, name: string, user: string, keys: readonly string[]): void {
  if (session.json) session.printJson({ keys });
  else session.print(`${name}: ${user} has ${keys.length === 1 ? '1 key' : `${keys.length} keys`}`);
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
      const keys = await keysIn(session, file);
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
      const keys = await keysIn(session, file);
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
