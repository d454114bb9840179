import { parseArgs } from 'node:util';
import pino from 'pino';
import { runDaemon } from './run.ts';

/** The daemon: `kamed [--home DIR]`. Logs JSON lines to standard output. */
export async function main(argv: readonly string[]): Promise<void> {
  const { values } = parseArgs({ args: [...argv], options: { home: { type: 'string' } } });
  const logger = pino({ level: process.env['KAME_LOG_LEVEL'] ?? 'info' });
  process.on('unhandledRejection', (error) => logger.error({ err: error }, 'A rejection nobody handled'));
  await runDaemon({ ...(values.home === undefined ? {} : { home: values.home }), env: process.env, logger });
  process.exit(0);
}
