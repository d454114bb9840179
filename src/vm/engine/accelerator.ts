import { join } from 'node:path';
import { aborted, poll } from '../../core/deadline.ts';
import { KameError, messageOf } from '../../core/errors.ts';
import type { Progress } from '../../core/progress.ts';
import type { AcceleratorChoice } from '../../model/machine.ts';
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
import { emulatesInstructions } from '../../qemu/emulated-instructions.ts';
import type { Host } from '../host/host.ts';
import { hostFacts, hostKernel, kvmDevice } from './engine.ts';
import { Findings } from './findings.ts';
import { firstConsoleLine } from './serial-log.ts';
import { bootThrowAway, type ThrowAwayGuest } from './throw-away.ts';
import { tinyBoot } from './tiny-boot.ts';

/** An accelerator is used only if the tiny guest prints its first console line within this time. */
const proofMs = 10_000;

export interface ChosenAccelerator {
  readonly kind: AcceleratorKind;
  readonly reason: string;
}

function isVerdict(value: unknown): value is AcceleratorVerdict {
  const { works, reason, at } = (value ?? {}) as Partial<Record<keyof AcceleratorVerdict, unknown>>;
  return typeof works === 'boolean' && typeof reason === 'string' && typeof at === 'string';
}

/** What was seen of a guest: its first console line, that KVM emulates it, or neither. */
type Sight = 'line' | 'emulated' | 'nothing';

/** Looks at a guest until it prints its first console line, or cannot be expected to. @throws KameError CANCELLED */
async function sightOf(
  { serialLog, engine }: ThrowAwayGuest,
  kind: AcceleratorKind,
  signal: AbortSignal,
): Promise<Sight> {
  const over = new AbortController();
  let isEmulated = false;
  const untilEmulated = async (): Promise<void> => {
    const look = async () => (await emulatesInstructions(engine)) || undefined;
    // A QEMU that cannot tell leaves it to the deadline.
    const found = await poll(look, { deadlineMs: proofMs, signal: over.signal }).catch(() => undefined);
    isEmulated = found === true;
    if (!isEmulated) await aborted(over.signal);
  };
  const stop = kind === 'kvm' ? Promise.race([engine.closed, untilEmulated()]) : engine.closed;
  try {
    if (await firstConsoleLine(serialLog, { deadlineMs: proofMs, signal, stop })) return 'line';
    return isEmulated ? 'emulated' : 'nothing';
  } finally {
    over.abort();
  }
}

/** Boots the tiny guest with an accelerator and returns whether it printed a console line. */
async function bootProof(
  host: Host,
  kind: AcceleratorKind,
  capabilities: Capabilities,
  progress: Progress,
): Promise<{ works: boolean; reason: string }> {
  const { arch } = capabilities;
  const boot = await tinyBoot(host, arch, progress);
  progress.report({ stage: `Testing ${kind} with a tiny ${arch} guest (at most ${proofMs / 1000} s)` });
  const started = performance.now();
  const options = { purpose: 'proof', kind, capabilities, boot, deadlineMs: proofMs };
  try {
    const sight = await bootThrowAway(
      host,
      options,
      progress,
      async (guest) => await sightOf(guest, kind, progress.signal),
    );
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    const reasons: Readonly<Record<Sight, string>> = {
      line: `a tiny guest booted to its console in ${seconds} s`,
      emulated: `${kind} only emulates the processor here, more slowly than QEMU does`,
      nothing: `a tiny guest printed no console line within ${proofMs / 1000} s with ${kind}`,
    };
    return { works: sight === 'line', reason: reasons[sight] };
  } catch (error) {
    if (error instanceof KameError && error.code === 'CANCELLED') throw error;
    return { works: false, reason: `${kind} does not start here: ${messageOf(error)}` };
  }
}

/** What a finding about an engine with an accelerator depends on. @throws KameError ENGINE_MISSING */
export async function verdictKeyOf(kind: AcceleratorKind, capabilities: Capabilities): Promise<string> {
  return verdictKey({
    kind,
    arch: capabilities.arch,
    engineKey: await engineKey(capabilities.binary),
    engineVersion: versionText(capabilities),
    hostKernel: hostKernel(),
  });
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
  const verdicts = new Findings(join(host.names.cache, 'accelerators.json'), isVerdict);
  const key = await verdictKeyOf(kind, capabilities);
  const known = await verdicts.find(key);
  if (known && !options.fresh) return known;
  const proof = await bootProof(host, kind, capabilities, progress);
  const verdict: AcceleratorVerdict = {
    kind,
    arch: capabilities.arch,
    ...proof,
    at: new Date().toISOString(),
  };
  await verdicts.keep(key, verdict);
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
