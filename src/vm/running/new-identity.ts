import { randomUUID } from 'node:crypto';
import { hostNameFor } from '../../core/host-label.ts';
import type { MachineModel } from '../../model/machine.ts';
import { generatedMac } from '../../model/uuid.ts';

function renamedHost(commandLine: string, hostName: string): string {
  return commandLine.replace(/\bkame\.hostname=\S+/, `kame.hostname=${hostName}`);
}

/**
 * Gives a clone or a copy a new UUID and new MAC addresses. The tiny guest gets its host name from the kernel command line.
 */
export function withNewIdentity(model: MachineModel, name: string): MachineModel {
  const uuid = randomUUID();
  const { directBoot } = model.kame;
  const commandLine = directBoot && renamedHost(directBoot.commandLine, hostNameFor(name));
  return {
    ...model,
    uuid,
    nics: model.nics.map((nic) => ({
      ...nic,
      mac: generatedMac(uuid, nic.index),
      macType: 'generated' as const,
    })),
    kame: {
      ...model.kame,
      ...(directBoot && commandLine !== undefined ? { directBoot: { ...directBoot, commandLine } } : {}),
    },
  };
}
