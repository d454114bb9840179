import { once } from 'node:events';
import type { Server } from 'node:http';
import { isIP } from 'node:net';
import { resolve } from 'node:path';
import { createNodeClient } from '../../client/node/client.ts';
import { KameError, messageOf } from '../../core/errors.ts';
import { readFileCapped } from '../../sys/files.ts';
import type { CliContext } from '../context.ts';
import { visible, visibleLines } from '../text.ts';
import { configure } from './config.ts';
import { credentialsPath, defaultPort, readCredentials } from './credentials.ts';
import { parse, usage, type VmrestArguments } from './options.ts';
import { createVmrest } from './server.ts';
import { SignIn } from './sign-in.ts';
import { versionLine } from './version.ts';

/** What vmrest uses of the process it runs in. */
export type VmrestContext = Pick<
  CliContext,
  'env' | 'cwd' | 'stdin' | 'stdout' | 'stderr' | 'signals' | 'daemon'
>;

const failed = 1;
const maxPemBytes = 256 * 1024;
const stopSignals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

const banner = `VMware Workstation REST API\n\n${versionLine}\n-\n`;

/** @throws KameError HOST_PROBLEM when it cannot listen */
async function listen(server: Server, address: string, port: number): Promise<void> {
  server.listen({ host: address, port });
  await once(server, 'listening').catch((cause: unknown) => {
    throw new KameError('HOST_PROBLEM', `Cannot listen on port ${port} of ${address}: ${messageOf(cause)}.`, {
      next: 'Choose another port with -p, or end the program that has it.',
      cause,
    });
  });
}

/** Resolves when the process is to end and all requests are answered; a second signal ends their connections. */
async function untilStopped(server: Server, signals: VmrestContext['signals']): Promise<void> {
  let asked = false;
  const stop = () => {
    if (asked) server.closeAllConnections();
    asked = true;
    server.close();
    server.closeIdleConnections();
  };
  for (const name of stopSignals) signals.on(name, stop);
  await once(server, 'close');
  for (const name of stopSignals) signals.off(name, stop);
}

async function tlsOf({ tls }: VmrestArguments, cwd: string) {
  if (!tls) return undefined;
  const [cert, key] = await Promise.all(
    [tls.cert, tls.key].map(async (path) => await readFileCapped(resolve(cwd, path), maxPemBytes)),
  );
  return cert && key ? { cert, key } : undefined;
}

async function serve(options: VmrestArguments, context: VmrestContext): Promise<void> {
  const path = credentialsPath(context.env);
  const credentials = await readCredentials(path);
  if (!credentials) {
    throw new KameError('USAGE', `There is no user name and no password yet: ${path} does not exist.`, {
      next: '`vmrest -C` sets them.',
    });
  }
  const tls = await tlsOf(options, context.cwd);
  await using client = createNodeClient({ env: context.env, daemon: context.daemon });
  const server = createVmrest({ client, signIn: new SignIn(credentials), tls });
  const port = options.port ?? credentials.port ?? defaultPort;
  await listen(server, options.address, port);
  const host = isIP(options.address) === 6 ? `[${options.address}]` : options.address;
  context.stdout.write(`Serving ${tls ? 'HTTPS' : 'HTTP'} on ${host}:${port}\n-\nPress Ctrl+C to stop.\n`);
  await untilStopped(server, context.signals);
}

async function run(options: VmrestArguments, context: VmrestContext): Promise<void> {
  const { stdout } = context;
  if (options.action === 'help') stdout.write(usage);
  else if (options.action === 'version') stdout.write(`${versionLine}\n`);
  else {
    stdout.write(banner);
    if (options.action === 'serve') await serve(options, context);
    else await configure(context, credentialsPath(context.env));
  }
}

/**
 * Runs one command line of vmrest, without the program's name. A server runs until a signal ends it.
 * @returns the exit code
 */
export async function main(argv: readonly string[], context: VmrestContext): Promise<number> {
  try {
    await run(parse(argv), context);
    return 0;
  } catch (error) {
    context.stderr.write(`vmrest: ${visible(messageOf(error))}\n`);
    if (error instanceof KameError && error.next !== '')
      context.stderr.write(`${visibleLines(`  ${error.next}`)}\n`);
    return failed;
  }
}
