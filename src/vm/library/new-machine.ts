import { randomUUID } from 'node:crypto';
import { totalmem } from 'node:os';
import type { CreateMachine } from '../../api/machine.ts';
import { KameError } from '../../core/errors.ts';
import { formatSize } from '../../core/units.ts';
import type { ImageSource } from '../../image/cache.ts';
import { hostNameFor } from '../../image/seed/seed.ts';
import { defaultArch, defaultModel, withCdrom, type NewMachine } from '../../model/defaults.ts';
import { findGuestOs } from '../../model/guest-os.ts';
import type { Arch, MachineModel } from '../../model/machine.ts';
import { directBootFiles } from '../../model/setting-list.ts';
import { limits } from '../../model/validate.ts';
import { wantsSeed } from './create-source.ts';

const mebibyte = 1024 * 1024;

function memoryMiB(bytes: number): number {
  const min = limits.memoryMiB.min * mebibyte;
  if (bytes < min || bytes > totalmem()) {
    throw new KameError(
      'INVALID_VALUE',
      `memory is ${formatSize(bytes)}; allowed is ${formatSize(min)} to what this host has, ${formatSize(totalmem())}.`,
      { details: { key: 'memory', value: bytes } },
    );
  }
  // VMware wants whole MiB; half ones are rounded up.
  return Math.ceil(bytes / mebibyte);
}

/** @throws KameError INVALID_VALUE outside of 1 MiB to 64 TiB */
export function diskSize(bytes: number): number {
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

/** The machine that a request describes, before its image is known. @throws KameError INVALID_VALUE */
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

/** The tiny guest boots without firmware and needs little; what the request names, it gets. */
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

/** @throws KameError INVALID_VALUE when architecture and guest OS contradict each other */
export function archOf(request: CreateMachine): Arch {
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
  return request.arch ?? named ?? defaultArch;
}

/** The machine that a request describes, with what its image adds. @throws KameError INVALID_VALUE */
export function planModel(request: CreateMachine, source: ImageSource | undefined, arch: Arch): MachineModel {
  const guestOS = request.guestOS ?? source?.guestOS;
  const iso = request.iso ?? (source?.format === 'iso' ? source.disk : undefined);
  const whole = {
    ...request,
    ...(guestOS === undefined ? {} : { guestOS }),
    ...(iso === undefined ? {} : { iso }),
  };
  const base = modelOf(whole, arch);
  const model = source?.directBoot ? tinyModel(base, request, source.directBoot.commandLine) : base;
  const image = source === undefined ? {} : { image: source.id };
  const seed = wantsSeed(source, request) ? { seed: 'seed.iso' } : {};
  return { ...model, kame: { ...model.kame, ...image, ...seed } };
}
