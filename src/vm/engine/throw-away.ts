import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Progress } from '../../core/progress.ts';
import { Turns } from '../../core/turns.ts';
import { defaultModel } from '../../model/defaults.ts';
import type { Arch, MachineModel } from '../../model/machine.ts';
import type { AcceleratorKind, Capabilities } from '../../qemu/capabilities/capabilities.ts';
import type { RenderingVerdict } from '../../qemu/graphics/verdict.ts';
import { launch, type Engine, type Launched } from '../../qemu/launch.ts';
import { launchPlan } from '../../qemu/plan/launch-plan.ts';
import { runNames, type RunNames } from '../../store/names.ts';
import { clearRunDirectory } from '../companion/clear.ts';
import type { Host } from '../host/host.ts';
import { hostFacts } from './engine.ts';
import type { DirectBootFiles } from './tiny-boot.ts';

/** A guest that runs until enough was seen of it. */
export interface ThrowAwayGuest {
  /** What it prints on its console. */
  readonly serialLog: string;
  readonly engine: Engine;
}

interface Purpose {
  /** For its name and its run directory. */
  readonly purpose: string;
  readonly kind: AcceleratorKind;
  readonly capabilities: Capabilities;
  /** Milliseconds until the engine must answer. */
  readonly deadlineMs: number;
}

export interface BootOptions extends Purpose {
  readonly boot: DirectBootFiles;
}

export interface ThrowAwayOptions extends Purpose {
  readonly model: MachineModel;
  readonly rendering?: RenderingVerdict;
  /** Arguments besides those of the plan, which may name files in its run directory. */
  readonly more?: (run: RunNames) => readonly string[];
}

/** A machine with only a console. */
export function consoleModel(name: string, arch: Arch): MachineModel {
  const model = defaultModel({
    name,
    uuid: '00000000-0000-4000-8000-000000000000',
    guestOS: arch === 'aarch64' ? 'arm-other6xlinux-64' : 'other6xlinux-64',
  });
  return {
    ...model,
    cpus: 1,
    memoryMiB: 512,
    disks: [],
    controllers: [],
    nics: [],
    display: { ...model.display, present: false },
    usb: { present: false },
  };
}

/**
 * Boots the tiny guest without any disk, looks at it, and ends it; nothing of it stays.
 * @throws KameError as `launch`, and what `look` throws
 */
export async function bootThrowAway<T>(
  host: Host,
  { boot: directBoot, ...options }: BootOptions,
  progress: Progress,
  look: (guest: ThrowAwayGuest) => Promise<T>,
): Promise<T> {
  const { arch } = options.capabilities;
  const model = consoleModel(`${options.purpose}-${arch}`, arch);
  return await useThrowAway(
    host,
    { ...options, model: { ...model, kame: { ...model.kame, directBoot } } },
    progress,
    async ({ engine, run }) => await look({ serialLog: serialLogIn(run), engine }),
  );
}

function serialLogIn(run: RunNames): string {
  return join(run.directory, 'serial.log');
}

/** Two engines for the same purpose would use the same run directory. */
const turns = new Turns();

/**
 * Starts an engine, looks at it, and ends it; nothing of it stays.
 * @throws KameError as `launch`, and what `look` throws
 */
export async function useThrowAway<T>(
  host: Host,
  options: ThrowAwayOptions,
  progress: Progress,
  look: (used: { readonly engine: Engine; readonly run: RunNames }) => Promise<T>,
): Promise<T> {
  const { purpose, kind, capabilities } = options;
  const run = runNames(host.names, `${purpose}-${kind}-${capabilities.arch}`);
  return await turns.take(run.directory, async () => {
    await clearRunDirectory(run);
    await mkdir(run.directory, { recursive: true, mode: 0o700 });
    try {
      const { engine } = await launchIn(run, options, progress.signal);
      try {
        return await look({ engine, run });
      } finally {
        await engine.kill();
      }
    } finally {
      await rm(run.directory, { recursive: true, force: true });
    }
  });
}

async function launchIn(
  run: RunNames,
  { purpose, kind, capabilities, model, rendering, more, deadlineMs }: ThrowAwayOptions,
  signal: AbortSignal,
): Promise<Launched> {
  const plan = launchPlan({
    model,
    capabilities,
    firmware: [],
    host: hostFacts(),
    accelerator: { kind, reason: purpose },
    paths: { bundle: run.directory, run: run.directory, serialLog: serialLogIn(run) },
    disks: new Map(),
    ...(rendering ? { rendering } : {}),
  });
  const args = [...plan.args, ...(more?.(run) ?? [])];
  return await launch({ ...plan, args }, { logFile: join(run.directory, 'engine.log'), signal, deadlineMs });
}
