import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { KameError, messageOf } from '../../core/errors.ts';
import type { Progress } from '../../core/progress.ts';
import { defaultModel } from '../../model/defaults.ts';
import type { AcceleratorChoice, Arch, MachineModel } from '../../model/machine.ts';
import {
  acceleratorCandidates,
  chosenCandidates,
  type AcceleratorCandidate,
} from '../../qemu/accelerator/candidates.ts';
import { verdictKey, type AcceleratorVerdict } from '../../qemu/accelerator/verdict.ts';
import { engineKey } from '../../qemu/capabilities/cache.ts';
import {
  versionText,
  type AcceleratorKind,
  type Capabilities,
} from '../../qemu/capabilities/capabilities.ts';
import { launch } from '../../qemu/launch.ts';
import { launchPlan } from '../../qemu/plan/launch-plan.ts';
import { runNames } from '../../store/names.ts';
import { readFileCapped, writeFileAtomic } from '../../sys/files.ts';
import { clearRunDirectory } from '../companion/clear.ts';
import type { Host } from '../host/host.ts';
import { hostFacts, hostKernel, kvmDevice } from './engine.ts';
import { firstConsoleLine } from './serial-log.ts';
import { tinyBoot, type DirectBootFiles } from './tiny-boot.ts';

/** An accelerator is used only if the tiny guest prints its first console line within this time. */
const proofMs = 10_000;

export interface ChosenAccelerator {
  readonly kind: AcceleratorKind;
  readonly reason: string;
}

async function readVerdicts(path: string): Promise<Map<string, AcceleratorVerdict>> {
  try {
    const value: unknown = JSON.parse((await readFileCapped(path, 1024 * 1024)).toString('utf8'));
    return new Map(Object.entries(value as Record<string, AcceleratorVerdict>));
  } catch {
    // The file is missing or damaged: accelerators are tested again.
    return new Map();
  }
}

/** The machine that tests an accelerator: the tiny guest with only a console. */
function proofModel(arch: Arch, directBoot: DirectBootFiles): MachineModel {
  const model = defaultModel({
    name: `proof-${arch}`,
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
    kame: {
      ...model.kame,
      directBoot,
    },
  };
}

/** Boots the tiny guest with an accelerator and returns whether it printed a console line. */
async function bootProof(
  host: Host,
  kind: AcceleratorKind,
  capabilities: Capabilities,
  progress: Progress,
): Promise<{ works: boolean; reason: string }> {
  const { arch } = capabilities;
  const tiny = await tinyBoot(host, arch, progress);
  progress.report({ stage: `Testing ${kind} with a tiny ${arch} guest (at most ${proofMs / 1000} s)` });
  const run = runNames(host.names, `proof-${kind}-${arch}`);
  const serialLog = join(run.directory, 'serial.log');
  await clearRunDirectory(run);
  await mkdir(run.directory, { recursive: true, mode: 0o700 });
  const started = performance.now();
  try {
    const plan = launchPlan({
      model: proofModel(arch, tiny),
      capabilities,
      firmware: [],
      host: hostFacts(),
      accelerator: { kind, reason: 'proof' },
      paths: { bundle: run.directory, run: run.directory, serialLog },
      disks: new Map(),
    });
    const { engine } = await launch(plan, {
      logFile: join(run.directory, 'engine.log'),
      signal: progress.signal,
      deadlineMs: proofMs,
    });
    try {
      const options = { deadlineMs: proofMs, signal: progress.signal, stop: engine.closed };
      const works = await firstConsoleLine(serialLog, options);
      const seconds = ((performance.now() - started) / 1000).toFixed(1);
      if (works) return { works, reason: `a tiny guest booted to its console in ${seconds} s` };
      return {
        works,
        reason: `a tiny guest printed no console line within ${proofMs / 1000} s with ${kind}`,
      };
    } finally {
      await engine.kill();
    }
  } catch (error) {
    if (error instanceof KameError && error.code === 'CANCELLED') throw error;
    return { works: false, reason: `${kind} does not start here: ${messageOf(error)}` };
  } finally {
    await rm(run.directory, { recursive: true, force: true });
  }
}

/**
 * Tests whether an accelerator can run guests of an architecture on this host. Cached by engine and host kernel.
 * @param options.fresh ignores the cached result
 */
export async function proveAccelerator(
  host: Host,
  kind: AcceleratorKind,
  capabilities: Capabilities,
  progress: Progress,
  options: { fresh?: boolean } = {},
): Promise<AcceleratorVerdict> {
  const path = join(host.names.cache, 'accelerators.json');
  const { arch } = capabilities;
  const key = verdictKey({
    kind,
    arch,
    engineKey: await engineKey(capabilities.binary),
    engineVersion: versionText(capabilities),
    hostKernel: hostKernel(),
  });
  const known = (await readVerdicts(path)).get(key);
  if (known && !options.fresh) return known;
  const proof = await bootProof(host, kind, capabilities, progress);
  const verdict: AcceleratorVerdict = { kind, arch, ...proof, at: new Date().toISOString() };
  // Read again: the start of another machine may have added a verdict in the meantime.
  const verdicts = new Map(await readVerdicts(path)).set(key, verdict);
  await writeFileAtomic(path, `${JSON.stringify(Object.fromEntries(verdicts), null, 2)}\n`);
  return verdict;
}

async function tryCandidate(
  host: Host,
  candidate: AcceleratorCandidate,
  capabilities: Capabilities,
  progress: Progress,
): Promise<{ works: boolean; reason: string }> {
  if (!candidate.mustProve) return { works: true, reason: candidate.reason };
  try {
    const verdict = await proveAccelerator(host, candidate.kind, capabilities, progress);
    return {
      works: verdict.works,
      reason: verdict.works ? `${candidate.reason}; ${verdict.reason}` : verdict.reason,
    };
  } catch (error) {
    if (error instanceof KameError && error.code === 'CANCELLED') throw error;
    // Without a tiny image (no network, for example) the test says nothing about the accelerator, so nothing is cached.
    return { works: false, reason: `${candidate.kind} could not be tested: ${messageOf(error)}` };
  }
}

/**
 * Chooses the accelerator for a guest: the best one that works, with the reason.
 * @throws KameError ENGINE_FAILED when the accelerator that the machine requires does not work on this host
 */
export async function chooseAccelerator(
  host: Host,
  capabilities: Capabilities,
  choice: AcceleratorChoice,
  progress: Progress,
): Promise<ChosenAccelerator> {
  const { arch } = capabilities;
  const facts = { host: hostFacts(), arch, capabilities, devKvm: await kvmDevice() };
  const all = acceleratorCandidates(facts);
  const failures =
    choice === 'auto' ? [] : all.excluded.filter(({ kind }) => kind === choice).map(({ reason }) => reason);
  for (const candidate of chosenCandidates(all, choice)) {
    const { works, reason } = await tryCandidate(host, candidate, capabilities, progress);
    if (works) return { kind: candidate.kind, reason: [reason, ...failures].join('; ') };
    failures.push(reason);
  }
  throw new KameError('ENGINE_FAILED', `No accelerator works for a ${arch} guest: ${failures.join('; ')}.`, {
    next: 'kame set NAME accelerator=auto falls back to emulation; kame doctor shows the details.',
  });
}
