import { describe, expect, it } from 'vitest';
import {
  recordedCapabilities,
  someDisk as disk,
  someInput,
  someNic as nic,
} from '../../../test/support/plan-inputs.ts';
import { planOf } from '../../../test/support/plan-outputs.ts';
import { currentHardware } from '../../model/hardware.ts';
import { launchPlan } from './launch-plan.ts';

const kame = { accelerator: 'auto', hardware: currentHardware } as const;

describe('a plan rejects', () => {
  it.each([
    [
      'a bridged card',
      { nics: [{ ...nic, connection: 'bridged' }], kame },
      'vmnet0 has no interface of the host',
    ],
    [
      'a network that Kame does not know',
      { nics: [{ ...nic, connection: 'unknown', connectionText: 'remote' }], kame },
      'ethernet0.connectionType is remote, which Kame does not know',
    ],
    [
      'a LAN segment in a state of the first hardware',
      { nics: [{ ...nic, connection: 'pvn' }] },
      'ethernet0.connectionType is pvn, but the saved state is of a machine that could have only nat and hostonly',
    ],
    ['a ninth card', { nics: [{ ...nic, index: 8 }] }, 'ethernet8 is not supported'],
    [
      'a disk that forgets',
      { disks: [{ ...disk, mode: 'independent-nonpersistent' }] },
      'independent-nonpersistent',
    ],
    [
      'a CD drive on nvme',
      { cdroms: [{ ...disk, unit: 1, fileName: null, startConnected: true }] },
      'cannot have a CD drive',
    ],
    [
      'a unit that does not exist',
      { disks: [{ ...disk, bus: 'sata', unit: 6 }], controllers: [] },
      'has units 0 to 5',
    ],
    [
      'a fifth controller',
      { disks: [{ ...disk, controller: 4 }], controllers: [] },
      'nvme4 is not supported',
    ],
    ['IDE on ARM', { disks: [{ ...disk, bus: 'ide' }], controllers: [] }, 'an ARM machine has no IDE'],
    ['more RAM than the host has', { memoryMiB: 65_536 }, 'this host has only 16 GiB'],
    ['more CPUs than the machine type supports', { cpus: 513 }, 'supports at most 512'],
  ] as const)('%s', (_name, changes, message) => {
    expect(() => planOf(changes as Parameters<typeof planOf>[0])).toThrow(message);
  });

  it.each([
    [{ connection: 'bridged' }, 'kame network create vmnet0 --bridged'],
    [{ connection: 'unknown', connectionText: 'x' }, '=hostonly` isolates the guest'],
  ] as const)('a card %j with advice that does not open an isolated network', (changes, advice) => {
    const plan = (): unknown => planOf({ nics: [{ ...nic, ...changes }], kame });
    expect(plan).toThrow(
      expect.objectContaining({ next: expect.stringContaining(advice) as string }) as Error,
    );
  });

  it('an engine that cannot listen for a switch, or has no ports', () => {
    const capabilities = recordedCapabilities('7.2', 'aarch64');
    const old = { ...capabilities, flags: capabilities.flags.filter((flag) => flag !== 'netdev-stream') };
    expect(() => planOf({ kame }, { capabilities: old })).toThrow('has no stream network backend');
    const devices = capabilities.devices.filter((name) => name !== 'pcie-root-port');
    expect(() => planOf({ kame }, { capabilities: { ...capabilities, devices } })).toThrow('pcie-root-port');
  });

  it('a disk that was not checked', () => {
    expect(() => planOf({}, { disks: new Map() })).toThrow(
      'The image of nvme0:0 (disk0.qcow2) was not checked',
    );
  });

  it('an engine of another architecture, or without the accelerator', () => {
    expect(() => planOf({}, { capabilities: recordedCapabilities('7.2', 'x86_64') })).toThrow(
      'the machine is aarch64',
    );
    const wish = { accelerator: { kind: 'kvm', reason: '' } } as const;
    expect(() => planOf({}, wish)).toThrow('was built without kvm');
  });

  it('an engine without a device of the machine', () => {
    const capabilities = recordedCapabilities('7.2', 'aarch64');
    const poor = {
      ...capabilities,
      devices: capabilities.devices.filter((name) => name !== 'virtio-net-pci'),
    };
    expect(() => planOf({}, { capabilities: poor })).toThrow('built without the device virtio-net-pci');
  });

  it('a socket path that is too long for the system', () => {
    const run = `/${'r'.repeat(99)}`;
    const input = someInput();
    const paths = { ...input.paths, run };
    expect(() => launchPlan({ ...input, paths, host: { ...input.host, os: 'darwin' } })).toThrow(
      'this system allows at most 103',
    );
    expect(launchPlan({ ...input, paths }).sockets.qmp).toBe(`${run}/qmp`);
    expect(() => launchPlan({ ...input, paths: { ...paths, run: `${run}1234` } })).toThrow(
      'this system allows at most 107',
    );
  });
});
