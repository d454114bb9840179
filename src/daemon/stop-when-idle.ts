import type { FastifyInstance } from 'fastify';
import { fileIdSync } from '../sys/file-id.ts';
import type { Host } from '../vm/host/host.ts';

/** Seconds without a request, a task, a running machine or an open door to other computers before the daemon stops. */
const defaultIdleSeconds = 300;

/** The time after which an idle daemon stops, from KAME_IDLE_SECONDS. */
export function idleSeconds(env: Readonly<Record<string, string | undefined>>): number {
  const value = Number(env['KAME_IDLE_SECONDS'] ?? defaultIdleSeconds);
  return Number.isFinite(value) && value >= 1 ? value : defaultIdleSeconds;
}

/** Whether a machine or a client needs the daemon now. */
function needed(host: Host, openRequests: number): boolean {
  return host.running.size > 0 || host.unreachable.size > 0 || openRequests > 0;
}

/**
 * Calls `stop` when the daemon has been idle for the given time, or when its home is not where it was.
 * @param isNeeded whether anything else needs the daemon now, such as a task
 */
export function stopWhenIdle(
  http: FastifyInstance,
  host: Host,
  isNeeded: () => boolean,
  seconds: number,
  stop: () => void,
): Disposable {
  const { home } = host.names;
  const id = fileIdSync(home);
  let open = 0;
  let lastUse = Date.now();
  http.addHook('onRequest', (_request, reply, done) => {
    open += 1;
    reply.raw.once('close', () => {
      open -= 1;
      lastUse = Date.now();
    });
    done();
  });
  const timer = setInterval(
    () => {
      if (fileIdSync(home) !== id) {
        host.log(
          'The home was moved or removed: the daemon ends, so that the next one can find the machines',
        );
        stop();
      } else if (isNeeded() || needed(host, open)) lastUse = Date.now();
      else if (Date.now() - lastUse >= seconds * 1000) stop();
    },
    Math.min(seconds * 1000, 30_000),
  );
  return { [Symbol.dispose]: () => clearInterval(timer) };
}
