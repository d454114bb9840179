import { Option, type Command } from '@commander-js/extra-typings';
import type { AddWebUser, Role, WebUser } from '../../api/generated/shapes.ts';
import { KameError } from '../../core/errors.ts';
import { collect, examples, jsonShape } from '../options.ts';
import { readSecret } from '../secret.ts';
import type { Session } from '../session.ts';

const userText = 'name of a user of the web desktop';
const roles = ['owner', 'operator', 'viewer'] as const satisfies readonly Role[];
const roleText = 'owner (everything), operator (power, snapshots, consoles, files) or viewer (looks)';
const roleOption = () => new Option('--role <role>', roleText).choices(roles);
const machineOption = [
  '--machine <machine>',
  'a machine that the role is for; may be repeated (default: all)',
  collect,
] as const;
const grantOption = [
  '--grant <role[=machine]>',
  'a role of all machines or of one; may be repeated, for several roles',
  collect,
] as const;

type Grants = AddWebUser['grants'];

interface GrantOptions {
  readonly role?: Role | undefined;
  readonly machine?: string[] | undefined;
  readonly grant?: string[] | undefined;
}

/** Grants of the same role together. @throws KameError USAGE */
function grantsOf(texts: readonly string[]): Grants {
  const named = new Map<Role, string[] | null>();
  for (const text of texts) {
    const [, word, machine] = /^([^=]*)(?:=(.+))?$/su.exec(text) ?? [];
    const role = roles.find((each) => each === word);
    if (role === undefined)
      throw new KameError('USAGE', `--grant is ${JSON.stringify(text)}; it must be ROLE or ROLE=MACHINE.`, {
        next: 'Such as --grant viewer --grant operator=demo.',
      });
    const before = named.get(role);
    named.set(role, machine === undefined || before === null ? null : [...(before ?? []), machine]);
  }
  return [...named].map(([role, machines]) => ({ role, machines }));
}

/** What the options grant; undefined if they say nothing of it. @throws KameError USAGE */
function grantsIn({ role, machine, grant }: GrantOptions): Grants | undefined {
  if (grant === undefined) return role && [{ role, machines: machine ?? null }];
  if (role === undefined && machine === undefined) return grantsOf(grant);
  throw new KameError('USAGE', '--grant excludes --role and --machine.');
}

function grantText({ role, machines }: WebUser['grants'][number]): string {
  const names = machines?.map(({ id, name }) => name ?? `${id} (not there)`).join(', ');
  return `${role} of ${names ?? 'all machines'}`;
}

function print(session: Session, user: WebUser, what: string): void {
  if (session.json) session.printJson(user);
  else session.print(`${user.name}: ${what}; ${user.grants.map(grantText).join('; ')}`);
}

function defineList(parent: Command, session: Session): void {
  parent
    .command('list')
    .alias('ls')
    .summary('list the users')
    .description('Lists the users of the web desktop, and their roles, of all machines or of some.')
    .option('--json', jsonShape('array of WebUser'))
    .addHelpText('after', examples('kame web user list'))
    .action(async () => {
      const users = await session.client.web.users({ signal: session.signal });
      if (session.json) session.printJson(users);
      else
        session.printTable(
          ['USER', 'MAY BE'],
          users.map(({ name, grants }) => [name, grants.map(grantText).join('; ')]),
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
    .addOption(roleOption())
    .option(...machineOption)
    .option(...grantOption)
    .option('--json', jsonShape('WebUser'))
    .addHelpText(
      'after',
      examples(
        'kame web user add ada --role owner',
        'kame web user add bob --role operator --machine demo < password',
        'kame web user add eve --grant viewer --grant operator=demo',
      ),
    )
    .action(async (name, { role = 'viewer', ...options }) => {
      const { signal } = session;
      const grants = grantsIn(options.grant ? options : { role, ...options }) ?? [];
      const password = await readSecret(session, `Password for ${name}`);
      const body = { name, grants, password };
      print(session, await session.client.web.addUser(body, { signal }), 'added');
    });
}

/** The only grant of a user, a part of which is to be changed. @throws KameError NO_SUCH_USER, USAGE */
async function onlyGrant(session: Session, name: string): Promise<WebUser['grants'][number]> {
  const users = await session.client.web.users({ signal: session.signal });
  const user = users.find((each) => each.name.toLowerCase() === name.toLowerCase());
  if (!user) throw new KameError('NO_SUCH_USER', `The web desktop has no user ${name}.`);
  const [only, other] = user.grants;
  if (only && !other) return only;
  throw new KameError('USAGE', `${name} has several roles: ${user.grants.map(grantText).join('; ')}.`, {
    next: 'Give all of them again with --grant.',
  });
}

function defineSet(parent: Command, session: Session): void {
  parent
    .command('set')
    .summary('change what a user may do')
    .description('Changes what a user may do. Whatever the user has open is closed, and they sign in again.')
    .argument('<name>', userText)
    .addOption(roleOption())
    .option(...machineOption)
    .option('--all-machines', 'the role is for all machines')
    .option(...grantOption)
    .option('--json', jsonShape('WebUser'))
    .addHelpText(
      'after',
      examples(
        'kame web user set bob --role viewer',
        'kame web user set bob --all-machines',
        'kame web user set bob --grant viewer --grant operator=demo --grant operator=web',
      ),
    )
    .action(async (name, { role, machine, grant, allMachines = false }) => {
      const { signal } = session;
      if (allMachines && (machine ?? grant) !== undefined)
        throw new KameError('USAGE', '--all-machines excludes --machine and --grant.');
      if (!allMachines && (role ?? machine ?? grant) === undefined)
        throw new KameError(
          'USAGE',
          'Nothing is to be changed: give --role, --machine, --all-machines or --grant.',
        );
      const whole = grant && grantsIn({ role, machine, grant });
      const before = whole ? undefined : await onlyGrant(session, name);
      const kept = before?.machines?.map(({ id }) => id) ?? null;
      const grants = whole ?? [
        { role: role ?? before?.role ?? 'viewer', machines: allMachines ? null : (machine ?? kept) },
      ];
      print(session, await session.client.web.setUser(name, { grants }, { signal }), 'changed');
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
