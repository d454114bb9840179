import { formatDuration } from '../src/core/units.ts';

const name = 'demo';
const program = './dist/kame.cjs';

export interface Step {
  readonly say: string;
  /** Arguments of kame. */
  readonly args: readonly string[];
}

/** The state of the machine demo in the output of `kame list --json`, or undefined if it does not exist. */
export function stateIn(machines: unknown): string | undefined {
  if (!Array.isArray(machines)) throw new Error('The output of `kame list --json` is not an array.');
  const demo = (machines as { name?: unknown; state?: unknown }[]).find((machine) => machine.name === name);
  return demo === undefined ? undefined : String(demo.state);
}

/** The steps from a state to a freshly booted machine. The last step is the start. */
export function stepsFor(state: string | undefined): Step[] {
  const start: Step = { say: `Starting the machine ${name}.`, args: ['start', name, '--wait', 'agent'] };
  if (state === undefined) {
    const create = ['create', name, '--image', 'tiny'];
    return [{ say: `Creating the machine ${name} from the tiny image.`, args: create }, start];
  }
  if (state === 'running' || state === 'paused') {
    const stop = ['stop', name, ...(state === 'paused' ? ['--hard'] : [])];
    return [{ say: `The machine ${name} is ${state}: stopping it first.`, args: stop }, start];
  }
  return [start];
}

/** A summary of the boot and what to try next, from the output of `kame start --json` and `kame open --json`. */
export function demoSummary(started: unknown, web: unknown): string {
  const { accelerator, acceleratorReason, timings } = started as {
    accelerator: string;
    acceleratorReason: string;
    timings: { spawnMs: number; qmpMs: number; agentMs: number };
  };
  const { address } = web as { address: string };
  return `
The machine ${name} booted in ${formatDuration(timings.agentMs)}, from the command to the first response of its guest agent.
The process of the engine started after ${formatDuration(timings.spawnMs)} and responded after ${formatDuration(timings.qmpMs)}.
Accelerator: ${accelerator} (${acceleratorReason})

Next:
  ${program} exec ${name} -- uname -a
  ${program} console ${name}          (Ctrl-] leaves)
  ${program} open                  (the web desktop, at a new address)
  ${program} stop ${name}

The web desktop, at an address that works once, in the next five minutes:
  ${address}`;
}
