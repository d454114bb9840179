import { isIP } from 'node:net';
import { parseArgs } from 'node:util';
import { KameError, messageOf } from '../../core/errors.ts';
import { versionLine } from './version.ts';

/** Reads command lines of vmrest. Pure. */

export const usage = `${versionLine}
Usage: vmrest [OPTIONS]
  -C, --config           set the user name and the password that programs need
  -p, --port PORT        port to listen on (8697)
  -i, --ip ADDRESS       address to listen on (127.0.0.1); any that others reach needs -c and -k
  -c, --cert-path FILE   certificate in PEM form: serve HTTPS
  -k, --key-path FILE    its key
  -v, --version          print the version
  -h, --help             print this text
`;

export interface VmrestArguments {
  readonly action: 'serve' | 'config' | 'version' | 'help';
  /** undefined for that of the file of credentials. */
  readonly port: number | undefined;
  readonly address: string;
  /** Paths as given. */
  readonly tls: { readonly cert: string; readonly key: string } | undefined;
}

const maxPort = 65_535;

function refused(message: string): KameError {
  return new KameError('USAGE', message, { next: '`vmrest -h` shows the options.' });
}

function read(argv: readonly string[]) {
  const text = (short: string) => ({ type: 'string', short }) as const;
  const flag = (short: string) => ({ type: 'boolean', short, default: false }) as const;
  try {
    return parseArgs({
      args: [...argv],
      options: {
        config: flag('C'),
        port: text('p'),
        ip: text('i'),
        'cert-path': text('c'),
        'key-path': text('k'),
        version: flag('v'),
        help: flag('h'),
      },
    }).values;
  } catch (error) {
    throw refused(messageOf(error));
  }
}

function portOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const port = /^\d{1,5}$/u.test(text) ? Number(text) : 0;
  if (port < 1 || port > maxPort) throw refused(`"${text}" is not a port: it is 1 to 65535.`);
  return port;
}

const isLoopback = (address: string): boolean => address.startsWith('127.') || address === '::1';

/**
 * What a command line says. Passwords would cross the network in the clear without HTTPS, so that it is needed for every address
 * that others can reach.
 * @throws KameError USAGE
 */
export function parse(argv: readonly string[]): VmrestArguments {
  const values = read(argv);
  const { ip: address = '127.0.0.1', 'cert-path': cert, 'key-path': key } = values;
  if (isIP(address) === 0) throw refused(`"${address}" is not an IP address.`);
  if ((cert === undefined) !== (key === undefined)) throw refused('-c and -k go together.');
  const tls = cert === undefined || key === undefined ? undefined : { cert, key };
  if (!isLoopback(address) && !tls)
    throw refused(
      `Others can reach ${address}, so it needs HTTPS: give a certificate (-c) and its key (-k).`,
    );
  const chosen = (['help', 'version', 'config'] as const).find((name) => values[name]);
  return { action: chosen ?? 'serve', port: portOf(values.port), address, tls };
}
