import { basename } from 'node:path/posix';
import { shown } from '../../model/problem.ts';
import type { FirmwareDescriptor } from '../firmware/descriptor.ts';
import { pickFirmware } from '../firmware/pick.ts';
import type { PlanBuilder } from './builder.ts';
import { escapeValue } from './builder.ts';
import { machineMemory } from './memory.ts';
import { gicVersion } from './processor.ts';
import type { FlashBytes } from './types.ts';

/** The EFI firmware for the machine, or undefined if it boots by BIOS or directly. @throws KameError as pickFirmware */
function firmwareFor(builder: PlanBuilder): FirmwareDescriptor | undefined {
  const { accelerator, firmware, model } = builder.input;
  if (model.firmware.kind !== 'efi') return undefined;
  if (model.kame.directBoot) {
    if (model.firmware.secureBoot) {
      builder.note(
        'Secure Boot has no effect: the kernel is loaded directly (kame.boot.kernel), without firmware.',
      );
    }
    return undefined;
  }
  return pickFirmware(firmware, {
    arch: model.arch,
    machineType: builder.machineType,
    secureBoot: model.firmware.secureBoot,
    smmPossible: builder.family === 'q35' && accelerator.kind !== 'hvf',
  });
}

/** Flash whose content comes from a checkpoint: reading the files first would only use the memory twice. */
function attachEmptyFlash(builder: PlanBuilder, nvram: string, bytes: FlashBytes): void {
  // Without read-zeroes, a null-co node leaves the destination of a read unchanged: untouched memory takes no space.
  const nothing = (size: number) => ({ driver: 'null-co' as const, size, 'read-zeroes': false });
  builder.blockdev({ driver: 'raw', 'node-name': 'pflash0', 'read-only': true, file: nothing(bytes.code) });
  builder.blockdev({ driver: 'file', 'node-name': 'nvram-file', filename: nvram, discard: 'unmap' });
  builder.blockdev({ ...variablesNode, file: nothing(bytes.variables) });
  // The variables, which come from the checkpoint, are written to their file as soon as the guest is running.
  builder.afterLoad.push({
    execute: 'blockdev-reopen',
    arguments: { options: [{ ...variablesNode, file: 'nvram-file' }] },
  });
}

/** When a machine is restored, all variables are written back; with these options their zeros take no space. */
const variablesNode = {
  driver: 'raw',
  'node-name': 'pflash1',
  'read-only': false,
  discard: 'unmap',
  'detect-zeroes': 'unmap',
} as const;

function attachFlash(builder: PlanBuilder, firmware: FirmwareDescriptor): void {
  const { executable, nvramTemplate } = firmware.flash;
  const nvram = builder.resolve(builder.input.model.firmware.nvram);
  builder.files.push({ from: nvramTemplate.filename, to: nvram });
  const { vmwareNvram } = builder.input.model.firmware;
  if (vmwareNvram !== undefined) {
    builder.note(
      `The EFI variables of the guest are in ${basename(nvram)}. VMware’s ${shown(vmwareNvram)} stays as it is; the boot entries and keys in it do not apply.`,
    );
  }
  const bytes = builder.input.flashBytes?.(firmware);
  const raw = executable.format === 'raw' && nvramTemplate.format === 'raw';
  if (builder.input.restore && bytes && raw) {
    attachEmptyFlash(builder, nvram, bytes);
  } else {
    builder.blockdev({
      driver: executable.format,
      'node-name': 'pflash0',
      'read-only': true,
      file: { driver: 'file', filename: executable.filename },
    });
    const file = { driver: 'file', filename: nvram, discard: 'unmap' } as const;
    builder.blockdev({ ...variablesNode, driver: nvramTemplate.format, file });
  }
  if (firmware.features.includes('requires-smm')) {
    // Then only code in SMM can write the variables with the keys.
    builder.option('global', 'driver=cfi.pflash01,property=secure,value=on');
  }
}

function attachKernel(builder: PlanBuilder): void {
  const direct = builder.input.model.kame.directBoot;
  if (!direct) return;
  if (builder.input.restore) {
    // The kernel is already in the restored RAM. Loading it again would take 0.1 s and its size in memory for each
    // clone, and only a reset needs it.
    builder.option('action', 'reboot=shutdown');
    return;
  }
  builder.option('kernel', builder.resolve(direct.kernel));
  if (direct.initrd !== undefined) builder.option('initrd', builder.resolve(direct.initrd));
  builder.option('append', direct.commandLine);
}

/** Machine type and firmware: EFI in flash, the built-in BIOS, or a kernel. @throws KameError as pickFirmware */
export function attachMachine(builder: PlanBuilder): void {
  const { model } = builder.input;
  const firmware = firmwareFor(builder);
  const smm = firmware?.features.includes('requires-smm') ?? false;
  const parts = [
    builder.machineType,
    machineMemory,
    'dump-guest-core=off',
    'mem-merge=off',
    ...(model.arch === 'aarch64' ? [`gic-version=${gicVersion(builder)}`] : []),
    ...(smm ? ['smm=on'] : []),
    ...(firmware ? ['pflash0=pflash0', 'pflash1=pflash1'] : []),
  ];
  builder.option('machine', parts.map((part) => escapeValue(part)).join(','));
  if (firmware) {
    attachFlash(builder, firmware);
    if (model.firmware.secureBoot && model.arch === 'aarch64') {
      builder.note(
        `Secure Boot with ${basename(firmware.file)}: the kernel of the guest could change the keys, because ARM has no SMM.`,
      );
    }
  }
  attachKernel(builder);
}
