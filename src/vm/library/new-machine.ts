import { randomUUID } from 'node:crypto';
import { totalmem } from 'node:os';
import type { CreateMachine } from '../../api/machine.ts';
import { KameError } from '../../core/errors.ts';
import { formatSize } from '../../core/units.ts';
import type { ImageSource } from '../../image/cache.ts';
import { hostNameFor } from '../../core/host-label.ts';
import { defaultArch, defaultModel, withCdrom, type NewMachine } from '../../model/defaults.ts';
import { findGuestOs } from '../../model/guest-os.ts';
import type { Arch, MachineModel } from '../../model/machine.ts';
import { directBootFiles } from '../../model/device-settings.ts';
import { limits } from '../../model/validate.ts';
import { wantsSeed } from './create-source.ts';

/** Name of the cloud-init seed in a new bundle. */
export const seedFileName = 'seed.iso';

const mebibyte = 1024 * 1024;

function memoryMiB(bytes: number): number {
  const min = limits.memoryMiB.min * mebibyte;
  if (bytes < min || bytes > totalmem()) {
    throw new KameError(
      'INVALID_VALUE',
      `memory is ${formatSize(bytes)}; it must be ${formatSize(min)} to ${formatSize(totalmem())}, the memory of this host.`,
      { details: { key: 'memory', value: bytes } },
    );
  }
  // A .vmx has the memory size in whole MiB.
  return Math.ceil(bytes / mebibyte);
}

/** Checks the size of a new disk. @throws KameError INVALID_VALUE unless it is 1 MiB to 64 TiB */
export function diskSize(bytes: number): number {
  const [min, max] = [mebibyte, 64 * 1024 ** 4];
  if (bytes >= min && bytes <= max) return bytes;
  throw new KameError(
    'INVALID_VALUE',
    `disk is ${formatSize(bytes)}; it must be ${formatSize(min)} to ${formatSize(max)}.`,
    {
      details: { key: 'disk', value: bytes },
    },
  );
}

/** The guest OS id of a machine whose guest OS is unknown. */
export const unknownGuest: Record<Arch, string> = {
  aarch64: 'arm-other6xlinux-64',
  x86_64: 'other6xlinux-64',
};

/** The model for a request, before its image is resolved. @throws KameError INVALID_VALUE */
export function modelOf(request: CreateMachine, arch: Arch): MachineModel {
  const { name, cpus, memoryBytes, iso } = request;
  const guestOS = request.guestOS ?? unknownGuest[arch];
  const machine: NewMachine = {
    name,
    uuid: randomUUID(),
    guestOS,
    ...(cpus === undefined ? {} : { cpus }),
    ...(memoryBytes === undefined ? {} : { memoryMiB: memoryMiB(memoryBytes) }),
  };
  const model = defaultModel(machine);
  return iso === undefined ? model : withCdrom(model, iso);
}

/** Adapts a model to the tiny guest: direct boot and small defaults. Values of the request take precedence. */
function tinyModel(model: MachineModel, request: CreateMachine, commandLine: string): MachineModel {
  return {
    ...model,
    cpus: request.cpus ?? 2,
    memoryMiB: request.memoryBytes === undefined ? 512 : model.memoryMiB,
    usb: { present: false },
    input: 'virtio',
    sound: { ...model.sound, present: false },
    kame: {
      ...model.kame,
      directBoot: {
        kernel: directBootFiles.kernel,
        initrd: directBootFiles.initrd,
        commandLine: `${commandLine} kame.hostname=${hostNameFor(request.name)}`,
      },
    },
  };
}

/** The architecture of a request. @throws KameError INVALID_VALUE when architecture and guest OS contradict each other */
export function archOf(request: CreateMachine): Arch {
  const named = request.guestOS === undefined ? undefined : findGuestOs(request.guestOS).os.arch;
  if (named && request.arch && named !== request.arch) {
    throw new KameError(
      'INVALID_VALUE',
      `guest-os ${request.guestOS} is a ${named} system, but arch is ${request.arch}.`,
      {
        next: 'Leave out --arch, or choose a guest OS id of that architecture.',
      },
    );
  }
  // Kame is for ARM64 guests first, so x86_64 must be requested.
  return request.arch ?? named ?? defaultArch;
}

/** The model for a request and its image. @throws KameError INVALID_VALUE */
export function planModel(request: CreateMachine, source: ImageSource | undefined, arch: Arch): MachineModel {
  const guestOS = request.guestOS ?? source?.guestOS;
  const iso = request.iso ?? (source?.format === 'iso' ? source.disk : undefined);
  const complete = {
    ...request,
    ...(guestOS === undefined ? {} : { guestOS }),
    ...(iso === undefined ? {} : { iso }),
  };
  const base = modelOf(complete, arch);
  const model = source?.directBoot ? tinyModel(base, request, source.directBoot.commandLine) : base;
  const image = source === undefined ? {} : { image: source.id };
  const seed = wantsSeed(source, request) ? { seed: seedFileName } : {};
  return { ...model, kame: { ...model.kame, ...image, ...seed } };
}
