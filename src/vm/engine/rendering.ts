import { join } from 'node:path';
import { deadlineSignal } from '../../core/deadline.ts';
import { KameError, messageOf } from '../../core/errors.ts';
import type { Progress } from '../../core/progress.ts';
import { Turns } from '../../core/turns.ts';
import type { MachineModel } from '../../model/machine.ts';
import { supports, type Capabilities } from '../../qemu/capabilities/capabilities.ts';
import { ControlQueue } from '../../qemu/graphics/control-queue.ts';
import { MachineBus } from '../../qemu/graphics/machine-bus.ts';
import { objectionTo3d } from '../../qemu/graphics/offer.ts';
import { QtestClient } from '../../qemu/graphics/qtest.ts';
import type { RenderingVerdict } from '../../qemu/graphics/verdict.ts';
import { capsets, capsetsOf, createContext, render, rendererOf } from '../../qemu/graphics/virgl.ts';
import { pciPlaces } from '../../qemu/plan/pci.ts';
import { checkSocketPath } from '../../qemu/plan/sockets.ts';
import type { RunNames } from '../../store/names.ts';
import type { Host } from '../host/host.ts';
import { verdictKeyOf } from './accelerator.ts';
import { hostOs } from './engine.ts';
import { Findings } from './findings.ts';
import { consoleModel, useThrowAway } from './throw-away.ts';

/** Milliseconds for an engine to start, and for its display to render: drivers may compile shaders for the first time. */
const proofMs = 15_000;
/** Contexts are numbered by the driver; 1 renders the square. */
const vulkanContext = 2;

const turns = new Turns();

type Proved = RenderingVerdict & { readonly works: true };

function isProved(value: unknown): value is Proved {
  const { works, renderer, vulkan, at } = (value ?? {}) as Partial<Proved>;
  const { name, openGl } = (renderer ?? {}) as Partial<Proved['renderer']>;
  return (
    works === true &&
    typeof name === 'string' &&
    typeof openGl === 'string' &&
    typeof vulkan === 'boolean' &&
    typeof at === 'string'
  );
}

/** The socket by which the proof drives the display. */
function qtestIn(run: RunNames): string {
  return join(run.directory, 'qtest');
}

/** Has the display of an engine render, whose processor does not run. */
async function look(
  run: RunNames,
  { arch }: Capabilities,
  vulkan: boolean,
  signal: AbortSignal,
): Promise<Proved> {
  using qtest = await QtestClient.connect(qtestIn(run), { deadlineMs: proofMs, signal });
  const queue = await ControlQueue.open(new MachineBus(qtest, arch), pciPlaces.display.slot, signal);
  const sets = await capsetsOf(queue);
  const renderer = await rendererOf(queue, sets);
  await render(queue);
  if (vulkan) await createContext(queue, vulkanContext, capsets.venus);
  return { works: true, renderer, vulkan, at: new Date().toISOString() };
}

/** Starts an engine with the display that a machine would get, and no guest. @throws KameError as launch, and of the display */
async function tryRendering(
  host: Host,
  capabilities: Capabilities,
  vulkan: boolean,
  progress: Progress,
): Promise<Proved> {
  const { arch, accelerators } = capabilities;
  const model = consoleModel(`rendering-${arch}`, arch);
  const assumed = { works: true, renderer: { name: 'a test', openGl: '' }, vulkan, at: '' } as const;
  const options = {
    purpose: 'rendering',
    // Whatever runs instructions: there are none.
    kind: accelerators.includes('tcg') ? 'tcg' : (accelerators[0] ?? 'tcg'),
    capabilities,
    deadlineMs: proofMs,
    model: {
      ...model,
      firmware: { ...model.firmware, kind: 'bios' },
      display: { ...model.display, present: true, accelerate3d: true },
    },
    rendering: assumed,
    more: (run: RunNames) => {
      checkSocketPath(qtestIn(run), hostOs());
      return [
        '-S',
        '-qtest',
        `unix:${qtestIn(run).replaceAll(',', ',,')},server=on,wait=off`,
        '-qtest-log',
        'none',
      ];
    },
  } as const;
  using deadline = deadlineSignal(proofMs, progress.signal);
  try {
    return await useThrowAway(
      host,
      options,
      { ...progress, signal: deadline.signal },
      async ({ run }) => await look(run, capabilities, vulkan, deadline.signal),
    );
  } catch (error) {
    if (!deadline.signal.aborted || progress.signal.aborted) throw error;
    throw new KameError('ENGINE_TIMEOUT', `The display did not render within ${proofMs / 1000} s.`);
  }
}

async function proof(host: Host, capabilities: Capabilities, progress: Progress): Promise<RenderingVerdict> {
  const objection = objectionTo3d({ os: hostOs(), capabilities });
  if (objection !== undefined) return { works: false, reason: objection };
  progress.report({ stage: `Testing 3D acceleration for ${capabilities.arch} guests` });
  let failure: unknown;
  // First with Vulkan, where the engine knows it.
  for (const vulkan of supports(capabilities, 'venus') ? [true, false] : [false]) {
    try {
      return await tryRendering(host, capabilities, vulkan, progress);
    } catch (error) {
      if (progress.signal.aborted || !(error instanceof KameError)) throw error;
      failure = error;
    }
  }
  const said = messageOf(failure).replaceAll(/\s+/g, ' ');
  return { works: false, reason: `A test of it failed: ${said}` };
}

/**
 * Tests whether guests of an architecture can have 3D on this host. What works is cached by engine and host kernel; what does not
 * is tested again, since a driver or a package may have been installed.
 * @param options.fresh ignores the cached result
 * @throws KameError CANCELLED, FILE_ACCESS
 */
export async function proveRendering(
  host: Host,
  capabilities: Capabilities,
  progress: Progress,
  options: { fresh?: boolean } = {},
): Promise<RenderingVerdict> {
  const path = join(host.names.cache, 'rendering.json');
  const verdicts = new Findings(path, isProved);
  const key = await verdictKeyOf('tcg', capabilities);
  // Machines that start together wait for one test.
  return await turns.take(path, async () => {
    const known = options.fresh ? undefined : await verdicts.find(key);
    if (known) return known;
    const verdict = await proof(host, capabilities, progress);
    if (verdict.works) await verdicts.keep(key, verdict);
    else await verdicts.forget(key);
    return verdict;
  });
}

/** What is known of 3D for a machine that wants it; undefined for one that does not. @throws KameError CANCELLED, FILE_ACCESS */
export async function renderingFor(
  host: Host,
  capabilities: Capabilities,
  model: MachineModel,
  progress: Progress,
): Promise<RenderingVerdict | undefined> {
  const { present, accelerate3d } = model.display;
  return present && accelerate3d ? await proveRendering(host, capabilities, progress) : undefined;
}
