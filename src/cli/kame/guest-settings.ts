import type { Command } from '@commander-js/extra-typings';
import type { QuiesceHook } from '../../api/generated/shapes.ts';
import { machineText, userOption, waitForGuest } from '../guest-options.ts';
import { collect, examples, given, jsonShape, keyValue } from '../options.ts';
import { readSecret } from '../secret.ts';
import type { Session } from '../session.ts';
import { counted } from '../text.ts';

function printVariables(session: Session, variables: Readonly<Record<string, string>>): void {
  for (const [key, value] of Object.entries(variables).sort(([a], [b]) => (a < b ? -1 : 1)))
    session.print(`${key}=${value}`);
}

function defineEnv(parent: Command, session: Session): void {
  parent
    .command('env')
    .summary('print or set the environment of commands in the guest')
    .description(
      'Prints the environment that commands in the guest get. --set and --unset change it for all later commands, until ' +
        'kame-tools or the guest are started again, and need kame-tools.',
    )
    .argument('<name>', machineText)
    .option('--set <key=value>', 'set a variable; may be repeated', collect)
    .option('--unset <key>', 'remove a variable that --set has set; may be repeated', collect)
    .option(...userOption)
    .option('--json', jsonShape('GuestEnvironment'))
    .addHelpText('after', examples('kame guest env demo', 'kame guest env demo --set LANG=C.UTF-8'))
    .action(async (name, { set = [], unset = [], user }) => {
      const { signal } = session;
      const machine = session.machine(name);
      const changes = [
        ...set.map((text) => keyValue(text, '--set')).map(({ key, value }) => ({ name: key, value })),
        ...unset.map((key) => ({ name: key, value: null })),
      ];
      for (const change of changes)
        await waitForGuest(session, name, session.client.guestEnvironment.set(machine, change, { signal }));
      if (changes.length > 0 && !session.json) {
        session.print(`${name}: changed ${counted(changes.length, 'variable')}`);
        return;
      }
      const reply = session.client.guestEnvironment.show(machine, given({ user }), { signal });
      const { variables } = await waitForGuest(session, name, reply);
      if (session.json) session.printJson({ variables });
      else printVariables(session, variables);
    });
}

function defineInfo(parent: Command, session: Session): void {
  parent
    .command('info')
    .summary('print or set the variables guestinfo.* of a machine')
    .description(
      'Prints the variables guestinfo.* of a machine, which its guest reads and sets by kame-tools guestinfo. They begin with those ' +
        'of the .vmx, which kame set changes. --set changes one of a running machine, until it stops or is suspended.',
    )
    .argument('<name>', machineText)
    .option('--set <key=value>', 'set a variable; may be repeated', collect)
    .option('--json', jsonShape('GuestInfo'))
    .addHelpText('after', examples('kame guest info demo', 'kame guest info demo --set guestinfo.role=web'))
    .action(async (name, { set = [] }) => {
      const { signal } = session;
      const machine = session.machine(name);
      for (const { key, value } of set.map((text) => keyValue(text, '--set')))
        await session.client.guestInfo.set(machine, { name: key, value }, { signal });
      if (set.length > 0 && !session.json) {
        session.print(`${name}: changed ${counted(set.length, 'variable')}`);
        return;
      }
      const { variables } = await session.client.guestInfo.show(machine, { signal });
      if (session.json) session.printJson({ variables });
      else printVariables(session, variables);
    });
}

function defineUsers(parent: Command, session: Session): void {
  parent
    .command('users')
    .summary('list the users of the guest')
    .description(
      'Lists the users of the guest, and since when those that the guest agent knows are logged in.',
    )
    .argument('<name>', machineText)
    .option('--json', jsonShape('GuestUsers'))
    .addHelpText('after', examples('kame guest users demo'))
    .action(async (name) => {
      const { signal } = session;
      const reply = session.client.guestUsers.list(session.machine(name), { signal });
      const { users, more } = await waitForGuest(session, name, reply);
      if (session.json) {
        session.printJson({ users, more });
        return;
      }
      session.printTable(
        ['NAME', 'UID', 'GID', 'HOME', 'SHELL', 'LOGGED IN SINCE'],
        users.map((each) => [
          each.name,
          { text: String(each.uid), align: 'right' as const },
          { text: String(each.gid), align: 'right' as const },
          each.home,
          each.shell,
          each.loggedInSince ?? '-',
        ]),
      );
      if (more) session.note(`There are more: only ${users.length} are listed.`);
    });
}

function definePassword(parent: Command, session: Session): void {
  parent
    .command('password')
    .summary('set the password of a user of the guest')
    .description(
      'Sets the password of a user of the guest. It is asked for at a terminal, or read from standard input. It needs the guest agent.',
    )
    .argument('<name>', machineText)
    .argument('<user>', 'user of the guest')
    .option('--crypted', 'what is given is a hash, as in /etc/shadow')
    .option('--json', jsonShape('{name, user}'))
    .addHelpText(
      'after',
      examples('kame guest password demo alice', 'kame guest password demo root < secret'),
    )
    .action(async (name, user, { crypted = false }) => {
      const { signal } = session;
      const machine = session.machine(name);
      const password = await readSecret(session, `Password for ${user} in ${name}`);
      const reply = session.client.guestUsers.setPassword(machine, user, { password, crypted }, { signal });
      await waitForGuest(session, name, reply);
      if (session.json) session.printJson({ name, user });
      else session.print(`${name}: the password of ${user} was set`);
    });
}

function hookText({ name, action, status, output }: QuiesceHook): string {
  const end = status === null ? 'did not end' : status === 0 ? 'succeeded' : `failed with status ${status}`;
  return `${name} ${action}: ${end}${output === '' ? '' : `: ${output}`}`;
}

function defineQuiesce(parent: Command, session: Session): void {
  parent
    .command('quiesce')
    .summary('freeze and thaw the file systems of the guest, and show what its hooks say')
    .description(
      'Freezes the file systems of the guest and thaws them at once, as kame snapshot take --quiesce does, and shows what the ' +
        'hooks of the guest agent say (/etc/qemu/fsfreeze-hook.d). It needs the guest agent.',
    )
    .argument('<name>', machineText)
    .option('--json', jsonShape('Quiesced'))
    .addHelpText('after', examples('kame guest quiesce demo'))
    .action(async (name) => {
      const done = await session.task(name, (options) =>
        session.client.machines.quiesce(session.machine(name), options),
      );
      if (session.json) {
        session.printJson(done);
        return;
      }
      session.print(`${name}: ${counted(done.fileSystems, 'file system')} frozen for ${done.frozenMs} ms`);
      for (const hook of done.hooks ?? []) session.print(hookText(hook));
      if (done.hooks === null) session.note('The guest has no log of hooks that its agent can read.');
    });
}

/** The verbs of `kame guest` for variables, users and file systems. */
export function defineSettings(parent: Command, session: Session): void {
  defineEnv(parent, session);
  defineInfo(parent, session);
  defineUsers(parent, session);
  definePassword(parent, session);
  defineQuiesce(parent, session);
}
