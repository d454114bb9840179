import { getBoolean } from '../../vmx/values.ts';
import { getText, parseVmx, type VmxDocument } from '../../vmx/document.ts';
import type { Machine, MachineDetails, Settings } from '../../api/generated/shapes.ts';
import type { Client } from '../../client/core/client.ts';
import { invalid, succeeded } from './failure.ts';
import { idOf, machineWith } from './machine-id.ts';
import { nicsOf } from './nic-device.ts';
import type { Handler } from './operation.ts';
import type { operations } from './operations.ts';

/** The list of machines, their settings and their .vmx. */

type Operations = typeof operations;
const mebibyte = 1024 ** 2;

function informationOf(machine: Pick<Machine, 'id' | 'path' | 'cpus' | 'memoryBytes'>) {
  const memory = Math.floor(machine.memoryBytes / mebibyte);
  return { id: idOf(machine), cpu: { processors: machine.cpus }, memory };
}

async function vmxOf(client: Client, { path }: Machine, signal: AbortSignal): Promise<VmxDocument> {
  return parseVmx(await client.machines.vmx(path, { signal }), path);
}

export const getAllVMs: Handler<Operations['getAllVMs']> = async ({ client, signal }) => {
  const machines = await client.machines.list({ signal });
  return machines.map((machine) => ({ id: idOf(machine), path: machine.path }));
};

export const getVM: Handler<Operations['getVM']> = async (call) =>
  informationOf(await machineWith(call.params.id, call));

export const createVM: Handler<Operations['createVM']> = async (call) => {
  const { client, signal, body } = call;
  const parent = await machineWith(body.parentId, call);
  const { machines } = await client.machines.clone(
    parent.path,
    { name: body.name, kind: 'full' },
    { signal },
  );
  const [clone] = machines;
  return informationOf(clone ?? parent);
};

/** The name is not used: a machine has the one in its .vmx. */
export const registerVM: Handler<Operations['registerVM']> = async ({ client, signal, body }) => {
  const machine = await client.machines.register({ path: body.path, sameName: true }, { signal });
  return { id: idOf(machine), path: machine.path };
};

export const updateVM: Handler<Operations['updateVM']> = async (call) => {
  const { client, signal, params, body } = call;
  const settings: Settings['settings'] = [];
  if (body.processors !== undefined) settings.push({ key: 'numvcpus', value: String(body.processors) });
  if (body.memory !== undefined) settings.push({ key: 'memsize', value: String(body.memory) });
  if (settings.length === 0) throw invalid('processors, memory', 'At least one is needed.');
  const { path } = await machineWith(params.id, call);
  return informationOf(await client.machines.set(path, { settings }, { signal }));
};

export const deleteVM: Handler<Operations['deleteVM']> = async (call) => {
  const { path } = await machineWith(call.params.id, call);
  await call.client.machines.delete(path, { signal: call.signal });
  return undefined;
};

export const getVMParams: Handler<Operations['getVMParams']> = async (call) => {
  const { client, signal, params } = call;
  const vmx = await vmxOf(client, await machineWith(params.id, call), signal);
  return { name: params.name, value: getText(vmx, params.name) ?? '' };
};

export const configVMParams: Handler<Operations['configVMParams']> = async (call) => {
  const { client, signal, params, body } = call;
  const { path } = await machineWith(params.id, call);
  await client.machines.set(path, { settings: [{ key: body.name, value: body.value }] }, { signal });
  return succeeded;
};

const yesNo = (value: boolean): 'true' | 'false' => (value ? 'true' : 'false');

/** Devices that can be connected. @param status whether each is connected now */
function devicesOf(paths: readonly (string | null)[], { state }: Pick<Machine, 'state'>) {
  const isOn = state === 'running' || state === 'paused';
  const devices = paths.map((path, index) => ({
    index,
    startConnected: yesNo(path !== null),
    connectionStatus: isOn && path !== null ? 1 : 0,
    devicePath: path ?? '',
  }));
  return { num: devices.length, devices };
}

function isolationOf(vmx: VmxDocument) {
  const disabled = (what: string, fallback: boolean) =>
    yesNo(getBoolean(vmx, `isolation.tools.${what}.disable`, fallback));
  return {
    copyDisabled: disabled('copy', false),
    dndDisabled: disabled('dnd', false),
    hgfsDisabled: disabled('hgfs', true),
    pasteDisabled: disabled('paste', false),
  };
}

/** Only the ports that VMware calls serial or parallel; Kame connects none of them. */
function portsOf({ ports, state }: MachineDetails, device: string) {
  const paths = ports.filter((port) => port.device.startsWith(device)).map(({ path }) => path);
  return devicesOf(paths, { state });
}

/** Kame restricts nothing: what is told are the devices of the machine, and what its guest may exchange with the host. */
export const getVMRestrictions: Handler<Operations['getVMRestrictions']> = async (call) => {
  const { client, signal, params } = call;
  const machine = await machineWith(params.id, call);
  const details = await client.machines.show(machine.path, { signal });
  const vmx = await vmxOf(client, machine, signal);
  return {
    ...informationOf(machine),
    managedOrg: '',
    integrityconstraint: 'false',
    applianceView: { author: '', version: '', port: 0, showAtPowerOn: 'false' },
    cddvdList: devicesOf(
      details.cdroms.map(({ path }) => path),
      machine,
    ),
    floopyList: devicesOf(
      details.floppies.map(({ path }) => path),
      machine,
    ),
    firewareType: details.firmware === 'bios' ? 1 : 2,
    guestIsolation: isolationOf(vmx),
    niclist: nicsOf(await client.nics.list(machine.path, { signal })),
    parallelPortList: portsOf(details, 'parallel'),
    serialPortList: portsOf(details, 'serial'),
    usbList: { num: 0, usbDevices: [] },
    remoteVNC: { VNCEnabled: 'false', VNCPort: 0 },
  };
};
