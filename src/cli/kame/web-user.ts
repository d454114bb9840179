import { Option, type Command } from '@commander-js/extra-typings';
import type { Role, WebUser } from '../../api/generated/shapes.ts';
import { KameError } from '../../core/errors.ts';
import { collect, examples, given, jsonShape } from '../options.ts';
import { readSecret } from '../secret.ts';
import type { Session } from '../session.ts';

const userText = 'name of a user of the web desktop';
const roleText = 'owner (everything), operator (power, snapshots, consoles, files) or viewer (looks)';
const roleOption = () =>
  new Option('--role <role>', roleText).choices([
    'owner',
    'operator',
    'viewer',
  ] as const satisfies readonly Role[]);
const machineOption = [
  '--machine <machine>',
  'a machine that the user may see; may be repeated (default: all)',
  collect,
] as const;

function machinesText({ machines }: WebUser): string {
  return machines === null ? 'all' : machines.map(({ id, name }) => name ?? `${id} (not there)`).join(', ');
}

function print(session: Session, user: WebUser, what: string): void {
  if (session.json) session.printJson(user);
  else
    session.print(
      `${user.name}: ${what}; ${user.role} of ${user.machines === null ? 'all machines' : machinesText(user)}`,
    );
}

function defineList(parent: Command, session: Session): void {
  parent
    .command('list')
    .alias('ls')
    .summary('list the users')
    .description('Lists the users of the web desktop, their roles and the machines that they may see.')
    .option('--json', jsonShape('array of WebUser'))
    .addHelpText('after', examples('kame web user list'))
    .action(async () => {
      const users = await session.client.web.users({ signal: session.signal });
      if (session.json) session.printJson(users);
      else
        session.printTable(
          ['USER', 'ROLE', 'MACHINES'],
          users.map((user) => [user.name, user.role, machinesText(user)]),
        );
    });
}

function defineAdd(parent: Command, session: Session): void {
  parent
    .command('add')
    .summary('add a user')
    .description(
      'Adds a user who can sign in from other computers. The password is asked for at a terminal, or read from standard input.',
    )
    .argument('<name>', userText)
    .addOption(roleOption().default('viewer' as const))
    .option(...machineOption)
    .option('--json', jsonShape('WebUser'))
    .addHelpText(
      'after',
      examples(
        'kame web user add ada --role owner',
        'kame web user add bob --role operator --machine demo < password',
      ),
    )
    .action(async (name, { role, machine: machines }) => {
      const { signal } = session;
      const password = await readSecret(session, `Password for ${name}`);
      const body = { name, role, password, ...given({ machines }) };
      print(session, await session.client.web.addUser(body, { signal }), 'added');
    });
}

function defineSet(parent: Command, session: Session): void {
  parent
    .command('set')
    .summary('change the role or the machines of a user')
    .description('Changes what a user may do. Whatever the user has open is closed, and they sign in again.')
    .argument('<name>', userText)
    .addOption(roleOption())
    .option(...machineOption)
    .option('--all-machines', 'the user may see all machines')
    .option('--json', jsonShape('WebUser'))
    .addHelpText(
      'after',
      examples('kame web user set bob --role viewer', 'kame web user set bob --all-machines'),
    )
    .action(async (name, { role, machine, allMachines = false }) => {
      const { signal } = session;
      if (allMachines && machine !== undefined)
        throw new KameError('USAGE', '--machine and --all-machines exclude each other.');
      const machines = allMachines ? null : machine;
      if (role === undefined && machines === undefined)
        throw new KameError('USAGE', 'Nothing is to be changed: give --role, --machine or --all-machines.');
      const body = { ...given({ role }), ...(machines === undefined ? {} : { machines }) };
      print(session, await session.client.web.setUser(name, body, { signal }), 'changed');
    });
}

function definePassword(parent: Command, session: Session): void {
  parent
    .command('password')
    .summary('set the password of a user')
    .description(
      'Sets a new password, which is asked for at a terminal or read from standard input. Whatever the user has open is closed.',
    )
    .argument('<name>', userText)
    .option('--json', jsonShape('{name}'))
    .addHelpText('after', examples('kame web user password ada', 'kame web user password ada < password'))
    .action(async (name) => {
      const { signal } = session;
      const password = await readSecret(session, `New password for ${name}`);
      await session.client.web.setPassword(name, { password }, { signal });
      if (session.json) session.printJson({ name });
      else session.print(`${name}: the password was set`);
    });
}

function defineRemove(parent: Command, session: Session): void {
  parent
    .command('remove')
    .summary('remove a user')
    .description('Removes a user. Whatever the user has open is closed.')
    .argument('<name>', userText)
    .option('--json', jsonShape('{name}'))
    .addHelpText('after', examples('kame web user remove bob'))
    .action(async (name) => {
      await session.client.web.removeUser(name, { signal: session.signal });
      if (session.json) session.printJson({ name });
      else session.print(`${name}: removed`);
    });
}

/** The verbs of `kame web user`. */
export function defineUsers(parent: Command, session: Session): void {
  const user = parent
    .command('user')
    .summary('the users of the web desktop')
    .description('Lists, adds, changes and removes those who may use the web desktop from other computers.')
    .addHelpText('after', examples('kame web user add ada --role owner', 'kame web user list'));
  defineList(user, session);
  defineAdd(user, session);
  defineSet(user, session);
  definePassword(user, session);
  defineRemove(user, session);
}
