import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Progress } from '../../core/progress.ts';
import { defaultModel } from '../../model/defaults.ts';
import type { Arch, MachineModel } from '../../model/machine.ts';
import type { AcceleratorKind, Capabilities } from '../../qemu/capabilities/capabilities.ts';
import type { Engine } from '../../qemu/engine.ts';
import { launch } from '../../qemu/launch.ts';
import { launchPlan } from '../../qemu/plan/launch-plan.ts';
import { runNames } from '../../store/names.ts';
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

export interface ThrowAwayOptions {
  /** For its name and its run directory. */
  readonly purpose: string;
  readonly kind: AcceleratorKind;
  readonly capabilities: Capabilities;
  readonly boot: DirectBootFiles;
  /** Milliseconds until the engine must answer. */
  readonly deadlineMs: number;
}

/** The tiny guest with only a console. */
function consoleModel(name: string, arch: Arch, directBoot: DirectBootFiles): MachineModel {
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
    kame: { ...model.kame, directBoot },
  };
}

/**
 * Boots the tiny guest without any disk, looks at it, and ends it; nothing of it stays.
 * @throws KameError as `launch`, and what `look` throws
 */
export async function bootThrowAway<T>(
  host: Host,
  { purpose, kind, capabilities, boot, deadlineMs }: ThrowAwayOptions,
  progress: Progress,
  look: (guest: ThrowAwayGuest) => Promise<T>,
): Promise<T> {
  const { arch } = capabilities;
  const run = runNames(host.names, `${purpose}-${kind}-${arch}`);
  const serialLog = join(run.directory, 'serial.log');
  await clearRunDirectory(run);
  await mkdir(run.directory, { recursive: true, mode: 0o700 });
  try {
    const plan = launchPlan({
      model: consoleModel(`${purpose}-${arch}`, arch, boot),
      capabilities,
      firmware: [],
      host: hostFacts(),
      accelerator: { kind, reason: purpose },
      paths: { bundle: run.directory, run: run.directory, serialLog },
      disks: new Map(),
    });
    const logFile = join(run.directory, 'engine.log');
    const { engine } = await launch(plan, { logFile, signal: progress.signal, deadlineMs });
    try {
      return await look({ serialLog, engine });
    } finally {
      await engine.kill();
    }
  } finally {
    await rm(run.directory, { recursive: true, force: true });
  }
}
