import v8 from '@vitest/coverage-v8';
import type { CoverageProvider, CoverageProviderModule } from 'vitest/node';
import { settledWithin } from '../../src/core/deadline.ts';
import { deferred, type Deferred } from '../../src/core/deferred.ts';

// Line coverage by V8, taken from each worker once, at its end. The runner's own provider takes it after each file: V8 walks all
// of the worker's heap for that, and the main process joins what every module did with what it had done before.

type Meta = Parameters<CoverageProvider['onAfterSuiteRun']>[0];
type TakeOptions = Parameters<NonNullable<CoverageProviderModule['takeCoverage']>>[0];

/** What the runner gives to all that runs in a worker. */
interface WorkerState {
  readonly ctx: { readonly projectName: string };
  readonly environment: { readonly name: string; readonly viteEnvironment?: string };
  readonly rpc: { readonly onAfterSuiteRun: (meta: Meta) => Promise<void> };
  /** Has the worker wait for a listener before it ends. */
  readonly onCleanup: (listener: () => Promise<void>) => void;
}

/** Instead of the coverage of a worker's first file: more will come from that process. */
interface Announcement {
  readonly worker: number;
}

/** Within which a worker that has run its files reports what they covered: milliseconds. */
const endsWithinMs = 60_000;

function workerState(): WorkerState {
  const { __vitest_worker__: state } = globalThis as { __vitest_worker__?: WorkerState };
  if (!state) throw new Error('This is not a worker of the test runner.');
  return state;
}

let announced = false;

/** In a worker, after each file: has the coverage taken at the end, and announces that once. */
function takeLater(options: TakeOptions): Announcement | null {
  if (announced) return null;
  announced = true;
  const { ctx, environment, rpc, onCleanup } = workerState();
  onCleanup(async () => {
    const sent = rpc.onAfterSuiteRun({
      coverage: await v8.takeCoverage?.(options),
      testFiles: [`worker ${process.pid}`],
      environment: environment.viteEnvironment ?? environment.name,
      projectName: ctx.projectName,
    });
    // The main process takes it, but no longer answers a worker that is to end.
    sent.catch(() => undefined);
  });
  return { worker: process.pid };
}

function isAnnouncement(coverage: unknown): coverage is Announcement {
  return typeof coverage === 'object' && coverage !== null && 'worker' in coverage;
}

/** In the main process: a provider that waits for what was announced before it judges. */
async function makeProvider(): Promise<CoverageProvider> {
  const provider = await v8.getProvider();
  const workers = new Map<string, Deferred<void>>();
  const receive = provider.onAfterSuiteRun.bind(provider);
  const generate = provider.generateCoverage.bind(provider);
  provider.onAfterSuiteRun = async (meta) => {
    if (isAnnouncement(meta.coverage)) {
      workers.set(`worker ${meta.coverage.worker}`, deferred());
      return;
    }
    await receive(meta);
    workers.get(meta.testFiles.join())?.resolve();
  };
  provider.generateCoverage = async (context) => {
    for (const [name, { promise }] of workers) {
      if (!(await settledWithin(promise, endsWithinMs))) throw new Error(`No coverage came from ${name}.`);
    }
    return await generate(context);
  };
  return provider;
}

const module: CoverageProviderModule = {
  startCoverage: async (options) => await v8.startCoverage?.(options),
  takeCoverage: takeLater,
  stopCoverage: async (options) => await v8.stopCoverage?.(options),
  getProvider: makeProvider,
};
export default module;
