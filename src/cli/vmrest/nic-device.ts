import type * as z from 'zod';
import type { MachineNic } from '../../api/generated/shapes.ts';
import { connections, connectionTo } from '../vmware-network.ts';
import type { nicDevice } from './schemas.ts';

/** Network adapters in the words of vmrest. Pure. */

type NicDevice = z.infer<typeof nicDevice>;

function isStandard(type: string): type is NicDevice['type'] {
  return connections.has(type);
}

export function deviceOf({ index, network, mac }: MachineNic): NicDevice {
  const { type, vmnet } = connectionTo(network);
  return { index: index + 1, type: isStandard(type) ? type : 'custom', vmnet, macAddress: mac };
}

/** All adapters of a machine. */
export function nicsOf(nics: readonly MachineNic[]) {
  return { num: nics.length, nics: nics.map(deviceOf) };
}
