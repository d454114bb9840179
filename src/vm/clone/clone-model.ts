import { randomUUID } from 'node:crypto';
import { hostNameFor } from '../../image/seed/seed.ts';
import type { MachineSpec } from '../../model/machine.ts';
import { generatedMac } from '../../model/uuid.ts';
import { applySpec } from '../../model/write.ts';
import { edit, type VmxDocument } from '../../vmx/document.ts';

/** What a clone is: the source's configuration under another name and, mostly, with another identity. */
export interface CloneConfig {
  readonly document: VmxDocument;
  readonly spec: MachineSpec;
  readonly macs: readonly { readonly old: string; readonly new: string }[];
}

function renamedHost(commandLine: string, hostName: string): string {
  return commandLine.replace(/\bkame\.hostname=\S+/, `kame.hostname=${hostName}`);
}

/** A new UUID and with it new MAC addresses; the tiny guest hears its host name from its kernel's command line. */
function withIdentity(spec: MachineSpec, name: string): MachineSpec {
  const uuid = randomUUID();
  const { directBoot } = spec.kame;
  const commandLine = directBoot && renamedHost(directBoot.commandLine, hostNameFor(name));
  return {
    ...spec,
    uuid,
    nics: spec.nics.map((nic) => ({
      ...nic,
      mac: generatedMac(uuid, nic.index),
      macType: 'generated' as const,
    })),
    kame: {
      ...spec.kame,
      ...(directBoot && commandLine !== undefined ? { directBoot: { ...directBoot, commandLine } } : {}),
    },
  };
}

/** The configuration of a clone of that name. `diskFiles`: file of each disk by its present name. */
export function cloneConfig(
  document: VmxDocument,
  spec: MachineSpec,
  options: { readonly name: string; readonly keepIdentity: boolean; readonly nvram: string },
): CloneConfig {
  const base: MachineSpec = {
    ...spec,
    displayName: options.name,
    suspendedState: '',
    firmware: { ...spec.firmware, nvram: options.nvram },
  };
  const clone = options.keepIdentity ? base : withIdentity(base, options.name);
  const macs = spec.nics.flatMap((nic, at) => {
    const mac = clone.nics[at]?.mac;
    return mac === undefined || mac === nic.mac ? [] : [{ old: nic.mac, new: mac }];
  });
  const location = new Map([['checkpoint.vmState', '']]);
  return {
    document: applySpec(edit(document, location), { ...spec, suspendedState: '' }, clone),
    spec: clone,
    macs,
  };
}
