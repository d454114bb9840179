import { parseArgs } from 'node:util';
import pino from 'pino';
import { KameError, messageOf } from '../core/errors.ts';
import { lossyLog } from '../sys/lossy-log.ts';
import { runDaemon, type Helpers } from './run.ts';

/** EX_TEMPFAIL of sysexits.h: another daemon serves the home or is starting. Clients wait for that one. */
export const exitBusy = 75;

/** Runs `kamed [--home DIR]`, which logs JSON lines to standard output. Returns the exit code. */
export async function main(argv: readonly string[], helpers: Helpers): Promise<number> {
  const { values } = parseArgs({ args: [...argv], options: { home: { type: 'string' } } });
  const logger = pino({ level: process.env['KAME_LOG_LEVEL'] ?? 'info' }, lossyLog(1));
  process.on('unhandledRejection', (error) => logger.error({ err: error }, 'Unhandled rejection'));
  try {
    const home = values.home === undefined ? {} : { home: values.home };
    await runDaemon({ ...home, env: process.env, logger, helpers });
    return 0;
  } catch (error) {
    logger.fatal({ err: error }, messageOf(error));
    if (!(error instanceof KameError)) return 1;
    return error.code === 'BUSY' ? exitBusy : error.kind.exit;
  }
}
