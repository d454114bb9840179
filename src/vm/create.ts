import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { totalmem } from 'node:os';
import { join } from 'node:path';
import { KameError } from '../core/errors.ts';
import type { Progress } from '../core/progress.ts';
import { formatSize } from '../core/units.ts';
import type { CreateMachine, MachineDetails } from '../api/machine.ts';
import { createQcow2 } from '../disk/qemu-img.ts';
import { defaultSpec, withCdrom, type NewMachine } from '../spec/defaults.ts';
import { findGuestOs } from '../spec/guest-os.ts';
import type { Arch, MachineSpec } from '../spec/machine.ts';
import { checkMachineName } from '../spec/name.ts';
import { applySettings } from '../spec/settings.ts';
import { validateSpec } from '../spec/validate.ts';
import { createDocument } from '../spec/write.ts';
import { createBundle } from '../store/bundle.ts';
import { writeMachineFile } from '../store/machine-file.ts';
import { fileError } from '../sys/files.ts';
import { checkInstallIso, imageFor, type SourceImage } from './create-source.ts';
import { describe } from './describe.ts';
import { qemuImg } from './engine.ts';
import type { Host } from './host.ts';
import { refuseTakenName } from './inventory.ts';
import { refuseProblems } from './settings.ts';

const mebibyte = 1024 * 1024;

/** A name as a host name: letters, digits and dashes (RFC 1123), at most 63 of them. */
export function hostNameOf(name: string): string {
  const ascii = name
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-');
  return ascii.replace(/^-+/, '').slice(0, 63).replace(/-+$/, '') || 'kame';
}

function memoryMiB(bytes: number): number {
  if (bytes > totalmem()) {
    throw new KameError(
      'INVALID_VALUE',
      `memory is ${formatSize(bytes)}; allowed is at most what this host has, ${formatSize(totalmem())}.`,
      { details: { key: 'memory', value: bytes } },
    );
  }
  // VMware wants whole MiB; half ones are rounded up.
  return Math.ceil(bytes / mebibyte);
}

function diskSize(bytes: number): number {
  const [min, max] = [mebibyte, 64 * 1024 ** 4];
  if (bytes >= min && bytes <= max) return bytes;
  throw new KameError(
    'INVALID_VALUE',
    `disk is ${formatSize(bytes)}; allowed is ${formatSize(min)} to ${formatSize(max)}.`,
    {
      details: { key: 'disk', value: bytes },
    },
  );
}

/** Guest OS id of a machine of which nothing else is known. */
const unknownGuest: Record<Arch, string> = { aarch64: 'arm-other6xlinux-64', x86_64: 'other6xlinux-64' };

function specOf(request: CreateMachine, arch: Arch): MachineSpec {
  const { name, cpus, memoryBytes, iso } = request;
  const guestOS = request.guestOS ?? unknownGuest[arch];
  const machine: NewMachine = {
    name,
    uuid: randomUUID(),
    guestOS,
    ...(cpus === undefined ? {} : { cpus }),
    ...(memoryBytes === undefined ? {} : { memoryMiB: memoryMiB(memoryBytes) }),
  };
  const spec = defaultSpec(machine);
  return iso === undefined ? spec : withCdrom(spec, iso);
}

/** The tiny guest boots without firmware and needs little; what the request names, it gets. */
function tinySpec(spec: MachineSpec, request: CreateMachine, commandLine: string): MachineSpec {
  return {
    ...spec,
    cpus: request.cpus ?? 2,
    memoryMiB: request.memoryBytes === undefined ? 512 : spec.memoryMiB,
    usb: { present: false },
    input: 'virtio',
    sound: { ...spec.sound, present: false },
    kame: {
      ...spec.kame,
      directBoot: {
        kernel: 'kernel',
        initrd: 'initrd',
        commandLine: `${commandLine} kame.hostname=${hostNameOf(request.name)}`,
      },
    },
  };
}

function archOf(request: CreateMachine): Arch {
  const named = request.guestOS === undefined ? undefined : findGuestOs(request.guestOS).os.arch;
  if (named && request.arch && named !== request.arch) {
    throw new KameError(
      'INVALID_VALUE',
      `guest-os is ${request.guestOS}, a ${named} system; arch is ${request.arch}.`,
      {
        next: 'Leave --arch out, or choose a guest OS id of that architecture.',
      },
    );
  }
  // ARM64 is what Kame is for; an Intel machine is asked for by name.
  return request.arch ?? named ?? 'aarch64';
}

/** Where the same blocks can be shared with the original, they are; else they are copied. */
async function copy(from: string, to: string): Promise<void> {
  try {
    await copyFile(from, to, constants.COPYFILE_FICLONE);
  } catch (error) {
    throw fileError(error, to);
  }
}

async function writeDisk(
  host: Host,
  target: string,
  source: SourceImage | undefined,
  sizeBytes: number | undefined,
  fallbackBytes: number,
  progress: Progress,
): Promise<void> {
  const tool = await qemuImg(host);
  if (!source) {
    await createQcow2({ qemuImg: tool, path: target, sizeBytes: sizeBytes ?? fallbackBytes });
    return;
  }
  progress.report({ stage: 'Copying the disk' });
  await source.copyDisk(target, sizeBytes, tool, progress);
}

async function fillBundle(
  host: Host,
  directory: string,
  request: CreateMachine,
  spec: MachineSpec,
  source: SourceImage | undefined,
  progress: Progress,
): Promise<void> {
  const size = request.diskBytes === undefined ? undefined : diskSize(request.diskBytes);
  const fallback = findGuestOs(spec.guestOS).os.diskGiB * 1024 ** 3;
  await writeDisk(host, join(directory, 'disk0.qcow2'), source, size, fallback, progress);
  if (source?.directBoot) {
    await copy(source.directBoot.kernel, join(directory, 'kernel'));
    await copy(source.directBoot.initrd, join(directory, 'initrd'));
  }
  if (source?.writeSeed) await source.writeSeed(join(directory, 'seed.iso'), spec, request);
  const { doc, problems } = applySettings(createDocument(spec), request.settings ?? []);
  refuseProblems(problems);
  await writeMachineFile(join(directory, `${request.name}.vmx`), doc);
}

async function planSpec(
  request: CreateMachine,
  source: SourceImage | undefined,
  arch: Arch,
): Promise<MachineSpec> {
  const guestOS = request.guestOS ?? source?.guestOS;
  const base = specOf({ ...request, ...(guestOS === undefined ? {} : { guestOS }) }, arch);
  const spec = source?.directBoot ? tinySpec(base, request, source.directBoot.commandLine) : base;
  const image = source === undefined ? {} : { image: source.id };
  const seed = source?.writeSeed ? { seed: 'seed.iso' } : {};
  return { ...spec, kame: { ...spec.kame, ...image, ...seed } };
}

/** What is wrong with a request is said before anything is downloaded or written. */
async function checkRequest(host: Host, request: CreateMachine, arch: Arch): Promise<void> {
  checkMachineName(request.name);
  await refuseTakenName(host, request.name);
  if (request.diskBytes !== undefined) diskSize(request.diskBytes);
  if (request.iso !== undefined) await checkInstallIso(request.iso);
  const spec = specOf(request, arch);
  refuseProblems(validateSpec(spec));
  refuseProblems(applySettings(createDocument(spec), request.settings ?? []).problems);
}

/**
 * Makes a machine: from an image, or with an empty disk for an installation ISO. It appears complete or not at all.
 * @throws KameError INVALID_NAME, INVALID_VALUE, ALREADY_EXISTS, NO_SUCH_IMAGE, BAD_IMAGE, CHECKSUM_MISMATCH,
 * DOWNLOAD_FAILED, DISK_FULL, ENGINE_MISSING, CANCELLED
 */
export async function create(
  host: Host,
  request: CreateMachine,
  progress: Progress,
): Promise<MachineDetails> {
  const about = { key: `name:${request.name}`, machine: request.name, verb: 'created' };
  return await host.operations.exclusive(about, async () => {
    const arch = archOf(request);
    await checkRequest(host, request, arch);
    const source = await imageFor(host, request, arch, progress);
    const spec = await planSpec(request, source, arch);
    refuseProblems(validateSpec(spec));
    const vmx = await createBundle(host.names, request.name, async (directory) => {
      await fillBundle(host, directory, request, spec, source, progress);
    });
    // A machine of this path may have been taken off the list before it was deleted by hand.
    await host.inventory.register(vmx);
    const file = await host.files.read(vmx);
    host.events.emit({
      type: 'machine.created',
      machine: file.name,
      id: spec.uuid,
      state: 'stopped',
      message: `${file.name} was created.`,
    });
    return await describe(host, file);
  });
}
