import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { totalmem } from 'node:os';
import { join } from 'node:path';
import { KameError } from '../../core/errors.ts';
import type { Progress } from '../../core/progress.ts';
import { formatSize } from '../../core/units.ts';
import type { CreateMachine, MachineDetails } from '../../api/machine.ts';
import type { ImageSource } from '../../image/cache.ts';
import { hostNameFor } from '../../image/seed/seed.ts';
import { defaultArch, defaultModel, withCdrom, type NewMachine } from '../../model/defaults.ts';
import { findGuestOs } from '../../model/guest-os.ts';
import type { Arch, MachineModel } from '../../model/machine.ts';
import { checkMachineName } from '../../model/name.ts';
import { refuseProblems, type ModelProblem } from '../../model/problem.ts';
import { directBootFiles } from '../../model/setting-list.ts';
import { applySettings } from '../../model/settings.ts';
import { limits, validateModel } from '../../model/validate.ts';
import { createDocument } from '../../model/write.ts';
import { createBundle } from '../../store/bundle-directory.ts';
import { writeVmx } from '../../store/bundle.ts';
import { bundleExtension } from '../../store/names.ts';
import { fileError } from '../../sys/files.ts';
import {
  checkInstallIso,
  imageFor,
  tellSpaceNeeded,
  wantsSeed,
  writeFirstDisk,
  writeSeed,
} from './create-source.ts';
import { describe } from '../running/describe.ts';
import type { Host } from '../host/host.ts';

import { refuseTakenName } from '../host/find.ts';
import { withWarnings } from './settings.ts';

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

function modelOf(request: CreateMachine, arch: Arch): MachineModel {
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
  return request.arch ?? named ?? defaultArch;
}

/** Where the same blocks can be shared with the original, they are; else they are copied. */
async function copy(from: string, to: string): Promise<void> {
  try {
    await copyFile(from, to, constants.COPYFILE_FICLONE);
  } catch (error) {
    throw fileError(error, to);
  }
}

async function fillBundle(
  host: Host,
  directory: string,
  request: CreateMachine,
  model: MachineModel,
  source: ImageSource | undefined,
  progress: Progress,
): Promise<void> {
  const sizeBytes = request.diskBytes === undefined ? undefined : diskSize(request.diskBytes);
  const wanted = { sizeBytes, guestOS: model.guestOS };
  await writeFirstDisk(host, join(directory, 'disk0.qcow2'), source, wanted, progress);
  if (source?.directBoot) {
    await copy(source.directBoot.kernel, join(directory, directBootFiles.kernel));
    await copy(source.directBoot.initrd, join(directory, directBootFiles.initrd));
  }
  if (source && model.kame.seed !== undefined) {
    await writeSeed(join(directory, model.kame.seed), model, source, request);
  }
  const { doc, problems } = applySettings(createDocument(model), request.settings ?? []);
  refuseProblems(problems);
  await writeVmx(join(directory, `${request.name}.vmx`), doc);
}

async function makeBundle(
  host: Host,
  request: CreateMachine,
  model: MachineModel,
  source: ImageSource | undefined,
  progress: Progress,
): Promise<string> {
  const { name } = request;
  try {
    return await createBundle(host.names, name, async (directory) => {
      await fillBundle(host, directory, request, model, source, progress);
    });
  } catch (error) {
    const full = error instanceof KameError && error.code === 'DISK_FULL';
    const unsaid = full && error.details['bytesNeeded'] === undefined;
    if (unsaid && source)
      await tellSpaceNeeded(join(host.names.machines, `${name}${bundleExtension}`), source);
    throw error;
  }
}

function planModel(request: CreateMachine, source: ImageSource | undefined, arch: Arch): MachineModel {
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

/** What is wrong with a request is said before anything is downloaded or written. Returns what is only odd. */
async function checkRequest(host: Host, request: CreateMachine, arch: Arch): Promise<ModelProblem[]> {
  checkMachineName(request.name);
  await refuseTakenName(host, request.name);
  if (request.diskBytes !== undefined) diskSize(request.diskBytes);
  if (request.iso !== undefined) await checkInstallIso(request.iso);
  const model = modelOf(request, arch);
  refuseProblems(validateModel(model));
  const { problems } = applySettings(createDocument(model), request.settings ?? []);
  refuseProblems(problems);
  return problems;
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
  const subject = { key: `name:${request.name}`, machine: request.name, verb: 'create' } as const;
  return await host.operations.exclusive(subject, async () => {
    const arch = archOf(request);
    const warnings = await checkRequest(host, request, arch);
    const source = await imageFor(host, request, arch, progress);
    const model = planModel(request, source, arch);
    refuseProblems(validateModel(model));
    const vmx = await makeBundle(host, request, model, source, progress);
    // A machine of this path may have been taken off the list before it was deleted by hand.
    await host.inventory.register(vmx);
    const bundle = await host.bundles.read(vmx);
    host.events.emit({
      type: 'machine.created',
      machine: bundle.name,
      id: model.uuid,
      state: 'stopped',
      message: `${bundle.name} was created.`,
    });
    return withWarnings(await describe(host, bundle), warnings);
  });
}
