import { access, constants } from 'node:fs/promises';
import type { Doctor, DoctorCheck } from '../../api/messages.ts';
import { KameError, messageOf } from '../../core/errors.ts';
import type { Progress } from '../../core/progress.ts';
import { formatSize } from '../../core/units.ts';
import type { Arch } from '../../model/machine.ts';
import { acceleratorCandidates } from '../../qemu/accelerator/candidates.ts';
import { versionText, type Capabilities } from '../../qemu/capabilities/capabilities.ts';
import { pickFirmware } from '../../qemu/firmware/pick.ts';
import { rendererText } from '../../qemu/graphics/verdict.ts';
import { newestMachineType } from '../../qemu/plan/machine-type.ts';
import { freeSpace } from '../../sys/free-space.ts';
import { proveAccelerator } from '../engine/accelerator.ts';
import { engineFor, firmwareFor, hostArchitecture, hostFacts, kvmDevice, qemuImg } from '../engine/engine.ts';
import { proveRendering } from '../engine/rendering.ts';
import type { Host } from '../host/host.ts';

const architectures: readonly Arch[] = ['aarch64', 'x86_64'];
/** With less free space, a download or an image build may fail. */
const comfortableBytes = 5 * 1024 ** 3;

function failed(name: string, error: unknown): DoctorCheck {
  const next = error instanceof KameError ? { next: error.next } : {};
  return { name, status: 'failed', message: messageOf(error), ...next };
}

async function attempt(name: string, check: () => Promise<DoctorCheck[]>): Promise<DoctorCheck[]> {
  try {
    return await check();
  } catch (error) {
    if (error instanceof KameError && error.code === 'CANCELLED') throw error;
    return [failed(name, error)];
  }
}

function firmwareCheck(
  capabilities: Capabilities,
  all: Awaited<ReturnType<typeof firmwareFor>>,
): DoctorCheck {
  const { arch } = capabilities;
  const name = `firmware ${arch}`;
  const machineType = newestMachineType(capabilities, arch === 'aarch64' ? 'virt' : 'q35')?.name ?? '';
  try {
    const { file } = pickFirmware(all, { arch, machineType, secureBoot: false, smmPossible: false });
    return { name, status: 'ok', message: `UEFI for ${machineType}, found by ${file}` };
  } catch (error) {
    return failed(name, error);
  }
}

async function acceleratorChecks(
  host: Host,
  capabilities: Capabilities,
  options: { fresh: boolean },
  progress: Progress,
): Promise<DoctorCheck[]> {
  const { arch } = capabilities;
  const facts = { host: hostFacts(), arch, capabilities, devKvm: await kvmDevice() };
  const { candidates, excluded } = acceleratorCandidates(facts);
  const own = process.platform === 'darwin' ? 'hvf' : 'kvm';
  const checks: DoctorCheck[] = excluded
    .filter(({ kind }) => kind === own)
    .map(({ kind, reason }) => ({
      name: `${kind} ${arch}`,
      status: arch === hostArchitecture() ? 'warning' : 'ok',
      message: `not used: ${reason}`,
    }));
  for (const { kind, mustProve, reason } of candidates) {
    const name = `${kind} ${arch}`;
    if (!mustProve) {
      checks.push({ name, status: 'ok', message: reason });
      continue;
    }
    const verdict = await proveAccelerator(host, kind, capabilities, progress, options);
    checks.push({
      name,
      status: verdict.works ? 'ok' : 'warning',
      message: `${verdict.works ? 'works' : 'not used'}: ${verdict.reason} (tested ${verdict.at})`,
      ...(verdict.works ? {} : { next: 'kame doctor --fresh tests it again.' }),
    });
  }
  return checks;
}

/** Nobody needs 3D, so that its absence is in order too. */
async function renderingCheck(
  host: Host,
  capabilities: Capabilities,
  options: { fresh: boolean },
  progress: Progress,
): Promise<DoctorCheck> {
  const verdict = await proveRendering(host, capabilities, progress, options);
  const message = verdict.works
    ? `works: ${rendererText(verdict)} (tested ${verdict.at})`
    : `not possible: ${verdict.reason}`;
  return { name: `3D ${capabilities.arch}`, status: 'ok', message };
}

async function engineChecks(
  host: Host,
  arch: Arch,
  options: { fresh: boolean },
  progress: Progress,
): Promise<DoctorCheck[]> {
  progress.report({ stage: `Checking the engine for ${arch}` });
  return await attempt(`engine ${arch}`, async () => {
    const capabilities = await engineFor(host, arch, { signal: progress.signal, fresh: options.fresh });
    const { binary } = capabilities;
    const engine: DoctorCheck = {
      name: `engine ${arch}`,
      status: 'ok',
      message: `QEMU ${versionText(capabilities)} (${binary})`,
    };
    const firmware = firmwareCheck(capabilities, await firmwareFor(host, capabilities));
    const accelerators = await attempt(
      `accelerator ${arch}`,
      async () => await acceleratorChecks(host, capabilities, options, progress),
    );
    const rendering = await attempt(`3D ${arch}`, async () => [
      await renderingCheck(host, capabilities, options, progress),
    ]);
    return [engine, firmware, ...accelerators, ...rendering];
  });
}

async function toolCheck(host: Host): Promise<DoctorCheck[]> {
  return await attempt('qemu-img', async () => [
    { name: 'qemu-img', status: 'ok', message: await qemuImg(host) },
  ]);
}

async function homeChecks(host: Host): Promise<DoctorCheck[]> {
  const { home } = host.names;
  return await attempt('home', async () => {
    await access(home, constants.W_OK);
    const free = await freeSpace(home);
    const low = free < comfortableBytes;
    return [
      {
        name: 'home',
        status: low ? 'warning' : 'ok',
        message: `${home}, ${formatSize(free)} free`,
        ...(low
          ? { next: 'Free some space: there may be too little for an image build or a download.' }
          : {}),
      },
    ];
  });
}

/** What keeps machines from being listed, and cached images from being found. */
async function fileChecks(host: Host): Promise<DoctorCheck[]> {
  const { unread } = await host.inventory.readable();
  const problem = (await host.images.list()).find((image) => image.problem !== undefined)?.problem;
  const images =
    problem === undefined ? [] : [{ name: 'images', status: 'failed' as const, message: problem }];
  return [
    ...unread.map(({ message, next }) => ({ name: 'machines', status: 'failed' as const, message, next })),
    ...images,
  ];
}

/** Checks everything that Kame needs on the host, and tests the accelerators and 3D. Problems are reported and never thrown. */
export async function diagnose(host: Host, options: { fresh: boolean }, progress: Progress): Promise<Doctor> {
  const checks = [...(await homeChecks(host))];
  checks.push(...(await attempt('images', async () => await fileChecks(host))));
  checks.push(...(await toolCheck(host)));
  for (const arch of architectures) checks.push(...(await engineChecks(host, arch, options, progress)));
  return { ok: checks.every(({ status }) => status !== 'failed'), checks };
}
