import { useQuery } from '@tanstack/react-query';
import type { MachineDisk, MachineNic, MachineShares } from '../../../src/api/generated/shapes.ts';
import { parseVmx, type VmxDocument } from '../../../src/vmx/document.ts';
import { client } from './client.ts';
import { useOfMachine } from './of-machine.ts';

/** The `.vmx` of a machine. */
export function useVmx(id: string): { document: VmxDocument | undefined; error: unknown } {
  const { data, error } = useOfMachine(id, ['vmx'], async (signal) =>
    parseVmx(await client.machines.vmx(id, { signal })),
  );
  return { document: data, error };
}

export function useDisks(id: string): readonly MachineDisk[] | undefined {
  return useOfMachine(id, ['disks'], async (signal) => await client.disks.list(id, { signal })).data;
}

export function useNics(id: string): readonly MachineNic[] | undefined {
  return useOfMachine(id, ['nics'], async (signal) => await client.nics.list(id, { signal })).data;
}

export function useShares(id: string): MachineShares | undefined {
  return useOfMachine(id, ['shares'], async (signal) => await client.shares.list(id, { signal })).data;
}

/** What an adapter can be connected to: the words of VMware, and the networks by name. */
export function useNetworkNames(): readonly string[] {
  const { data } = useQuery({
    queryKey: ['networks'],
    queryFn: async ({ signal }) => await client.networks.list({ signal }),
    staleTime: 0,
  });
  const own = (data ?? []).filter(({ broken }) => broken === null).map(({ name }) => name);
  return [...new Set(['nat', 'hostonly', 'bridged', ...own])];
}
