import { access, constants, stat } from 'node:fs/promises';
import { arch as hostArch, cpus, homedir, release, totalmem } from 'node:os';
import { KameError } from '../../core/errors.ts';
import type { Arch } from '../../model/machine.ts';
import { engineKey, probeCached } from '../../qemu/capabilities/cache.ts';
import type { Capabilities } from '../../qemu/capabilities/capabilities.ts';
import { findEngine, findQemuImg, type EngineSearch } from '../../qemu/capabilities/find-engine.ts';
import type { FirmwareDescriptor } from '../../qemu/firmware/descriptor.ts';
import { loadFirmware } from '../../qemu/firmware/load.ts';
import type { FlashBytes, HostFacts } from '../../qemu/plan/types.ts';
import type { Host } from '../host/host.ts';

/** @throws KameError HOST_PROBLEM on a system that Kame does not support */
export function hostOs(): HostFacts['os'] {
  const { platform } = process;
  if (platform === 'linux' || platform === 'darwin') return platform;
  throw new KameError('HOST_PROBLEM', `Kame runs on Linux and macOS, not on ${platform}.`);
}

/** The architecture whose guests run without emulation. */
export function hostArchitecture(): Arch {
  return hostArch() === 'arm64' ? 'aarch64' : 'x86_64';
}

export function hostFacts(): HostFacts {
  return { os: hostOs(), arch: hostArchitecture(), cpus: cpus().length, memoryBytes: totalmem() };
}

export function hostKernel(): string {
  return release();
}

/** What finding an engine needs of a host. */
type EngineHost = Pick<Host, 'env' | 'names' | 'engines'>;

function search(host: Pick<Host, 'env'>): EngineSearch {
  return { env: host.env, os: hostOs() };
}

/** The engine for guests of an architecture and its capabilities. @throws KameError ENGINE_MISSING, ENGINE_TOO_OLD */
export async function engineFor(
  host: EngineHost,
  arch: Arch,
  options: { signal?: AbortSignal; fresh?: boolean } = {},
): Promise<Capabilities> {
  const binary = await findEngine(arch, search(host));
  const key = `${binary}|${await engineKey(binary)}`;
  const known = options.fresh ? undefined : host.engines.get(key);
  if (known) return known;
  const capabilities = await probeCached(binary, host.names.cache, options);
  host.engines.set(key, capabilities);
  return capabilities;
}

/** The UEFI firmware for an engine. */
export async function firmwareFor(host: Host, capabilities: Capabilities): Promise<FirmwareDescriptor[]> {
  return await loadFirmware({ binary: capabilities.binary, env: host.env, home: homedir() });
}

/** Sizes of each firmware's code and variables, by the path of its descriptor; unreadable ones are omitted. */
export async function flashSizes(firmware: readonly FirmwareDescriptor[]): Promise<Map<string, FlashBytes>> {
  const sizes = new Map<string, FlashBytes>();
  for (const { file, flash } of firmware) {
    const paths = [flash.executable.filename, flash.nvramTemplate.filename];
    const [code, variables] = await Promise.all(
      paths.map(
        async (path) =>
          await stat(path).then(
            ({ size }) => size,
            () => undefined,
          ),
      ),
    );
    if (code !== undefined && variables !== undefined) sizes.set(file, { code, variables });
  }
  return sizes;
}

/** The path of qemu-img. @throws KameError ENGINE_MISSING */
export async function qemuImg(host: Host): Promise<string> {
  return await findQemuImg(search(host));
}

/** Whether `/dev/kvm` exists, and whether this user has access to it. */
export async function kvmDevice(): Promise<{ exists: boolean; accessible: boolean }> {
  const can = async (mode: number) =>
    await access('/dev/kvm', mode).then(
      () => true,
      () => false,
    );
  return { exists: await can(constants.F_OK), accessible: await can(constants.R_OK | constants.W_OK) };
}
