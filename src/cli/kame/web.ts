import { isIPv6 } from 'node:net';
import type { Command } from '@commander-js/extra-typings';
import type { ListenRemotely, RemoteWeb, WebState } from '../../api/generated/shapes.ts';
import { KameError } from '../../core/errors.ts';
import { collect, examples, filled, given, integer, jsonShape } from '../options.ts';
import type { Session } from '../session.ts';
import { defineUsers } from './web-user.ts';

/** An address with or without a port: `192.168.1.20:8443`, `[2001:db8::1]:8443`, `::`. @throws KameError USAGE */
function listenAddress(text: string): Pick<ListenRemotely, 'address' | 'port'> {
  const bracketed = /^\[(.+)\](?::(.+))?$/.exec(text);
  const [address = '', port, ...more] = bracketed
    ? bracketed.slice(1)
    : isIPv6(text)
      ? [text]
      : text.split(':');
  if (more.length > 0 || address === '')
    throw new KameError('USAGE', `${text} is not an address with a port, such as 192.168.1.20:8443.`);
  return { address, ...(port === undefined ? {} : { port: integer('--listen', 1, 65_535)(port) }) };
}

function certificateOf(
  session: Session,
  cert: string | undefined,
  key: string | undefined,
): ListenRemotely['certificate'] {
  if (cert === undefined && key === undefined) return undefined;
  if (cert === undefined || key === undefined)
    throw new KameError('USAGE', 'A certificate needs --cert and --key: its file, and that of its key.');
  return { cert: session.path(cert), key: session.path(key) };
}

type Pair = readonly [label: string, value: string];

function remotePairs({ listening, problem, ...remote }: RemoteWeb): Pair[] {
  const { addresses, certificate, fingerprint, validUntil } = remote;
  return [
    ['other computers', listening ? 'can use it' : 'cannot use it now'],
    ...(problem === null ? [] : [['problem', problem] as const]),
    ...addresses.map((address, index) => [index === 0 ? 'address' : '', address] as const),
    ['certificate', certificate ?? 'made by Kame'],
    ...(fingerprint === null ? [] : [['SHA-256', fingerprint] as const]),
    ...(validUntil === null ? [] : [['valid until', validUntil] as const]),
  ];
}

function print(session: Session, state: WebState): void {
  if (session.json) {
    session.printJson(state);
    return;
  }
  const { local, remote, users } = state;
  session.printPairs([
    ['this computer', local ? 'can use it' : 'can use it after kame open'],
    ...(remote ? remotePairs(remote) : [['other computers', 'cannot use it'] as const]),
    ['users', String(users)],
  ]);
  if (remote?.certificate === null)
    session.note(
      'Browsers do not know this certificate and warn of it. Compare its SHA-256 fingerprint with the one that the browser shows ' +
        'before you go on.',
    );
}

function defineAudit(parent: Command, session: Session): void {
  parent
    .command('audit')
    .summary('show who did what')
    .description(
      'Shows what was changed, who signed in, and what was refused, the latest last. It is kept in audit.jsonl in the home.',
    )
    .option('--limit <count>', 'the most entries (default: 100)', integer('--limit', 1, 10_000))
    .option('--json', jsonShape('array of AuditEntry'))
    .addHelpText('after', examples('kame web audit', 'kame web audit --limit 1000 --json'))
    .action(async ({ limit }) => {
      const entries = await session.client.web.audit(given({ limit }), { signal: session.signal });
      if (session.json) session.printJson(entries);
      else
        session.printTable(
          ['TIME', 'WHO', 'FROM', 'OPERATION', 'MACHINE', 'RESULT'],
          entries.map(({ at, user, from, operation, machine, result }) => [
            at,
            user ?? '-',
            from,
            operation,
            machine ?? '-',
            result === 'ok' ? result : { text: result, paint: session.paint('yellow') },
          ]),
        );
    });
}

export function define(program: Command, session: Session): void {
  const web = program
    .command('web')
    .description(
      'Shows from where the web desktop can be used. --listen opens it to other computers, over TLS and for users with a ' +
        'password, and keeps it open until --off.',
    )
    .option(
      '--listen <address>',
      'open it at an address of this computer, with or without :PORT',
      filled('--listen'),
    )
    .option('--name <host>', 'a name by which browsers reach this computer; may be repeated', collect)
    .option('--cert <file>', 'your certificate in PEM (default: one that Kame makes)', filled('--cert'))
    .option('--key <file>', 'its private key, which only you can read', filled('--key'))
    .option('--off', 'close it to other computers')
    .option('--json', jsonShape('WebState'))
    .addHelpText(
      'after',
      examples(
        'kame web',
        'kame web user add ada --role owner',
        'kame web --listen 192.168.1.20',
        'kame web --listen 0.0.0.0:8443 --name nas.example --cert nas.crt --key nas.key',
        'kame web --off',
      ),
    )
    .action(async ({ listen, name: names, cert, key, off = false }) => {
      const { signal } = session;
      const certificate = certificateOf(session, cert, key);
      const isMore = names !== undefined || certificate !== undefined;
      if (off ? listen !== undefined || isMore : listen === undefined && isMore)
        throw new KameError('USAGE', '--name, --cert and --key belong to --listen, and --off stands alone.');
      if (off) print(session, await session.client.web.off({ signal }));
      else if (listen === undefined) print(session, await session.client.web.show({ signal }));
      else {
        const body = { ...listenAddress(listen), ...given({ names, certificate }) };
        print(session, await session.client.web.listen(body, { signal }));
      }
    });
  defineUsers(web, session);
  defineAudit(web, session);
}
