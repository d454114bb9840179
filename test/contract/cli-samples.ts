import type { NetworkForward } from '../../src/api/generated/shapes.ts';
import type { Snapshot } from '../../src/api/checkpoint.ts';
import type { Machine, MachineDetails, StartedMachine } from '../../src/api/machine.ts';

// What the daemon says of machines and snapshots, for tests of the command line.

export const demo: Machine = {
  name: 'demo',
  id: '0f6c1f6e-8a53-4bd5-9c7a-0d8a4ab6d3d2',
  path: '/k/machines/demo.vmwarevm/demo.vmx',
  state: 'stopped',
  reason: null,
  guestOS: 'arm-debian12-64',
  arch: 'aarch64',
  folder: '',
  accelerator: null,
  cpus: 2,
  memoryBytes: 1024 ** 3,
  ip: null,
  agent: false,
};

export const demoRunning: Machine = {
  ...demo,
  state: 'running',
  accelerator: 'tcg',
  ip: '10.0.2.15',
  agent: true,
};

export const demoDetails: MachineDetails = {
  ...demo,
  annotation: 'line one',
  firmware: 'direct',
  machineType: 'virt-7.2',
  disks: [
    {
      slot: 'nvme0:0',
      device: 'virtio-blk',
      path: '/k/disk0.qcow2',
      format: 'qcow2',
      sizeBytes: 2 * 1024 ** 3,
      allocatedBytes: 1024 ** 2,
    },
  ],
  cdroms: [],
  floppies: [],
  nics: [
    { device: 'ethernet0', model: 'virtio-net', connection: 'nat', network: 'nat', mac: '00:0c:29:00:00:01' },
  ],
  outsideFiles: [],
  ports: [],
  image: 'tiny',
  syncTime: true,
  clock: null,
  acceleratorReason: null,
  graphicsNote: null,
  engineVersion: null,
  pid: null,
  startedAt: null,
  timings: null,
  log: '/k/demo.log',
  sockets: null,
  problems: [{ severity: 'warning', key: 'foo.bar', message: 'is not known' }],
};

export const demoStarted: StartedMachine = {
  ...demoRunning,
  timings: {
    spawnMs: 12,
    qmpMs: 85,
    bootMs: 900,
    firmwareMs: null,
    kernelMs: null,
    agentMs: 1800,
    networkMs: null,
    loginMs: null,
    desktopMs: null,
  },
  stage: 'agent',
  acceleratorReason: 'kvm runs x86_64 guests only here',
  waitedFor: 'agent',
};

export const clean: Snapshot = {
  uid: 1,
  label: 'clean',
  description: '',
  parent: null,
  path: '/clean',
  depth: 0,
  current: false,
  createdAt: new Date(2026, 10, 24, 1, 35).toISOString(),
  state: 'stopped',
  memory: false,
  screen: false,
  autoProtect: false,
  clones: ['/k/machines/a.vmwarevm/a.vmx'],
};
export const updated: Snapshot = {
  ...clean,
  uid: 2,
  label: 'updated',
  parent: 1,
  path: '/clean/updated',
  depth: 1,
  current: true,
  state: 'running',
  memory: true,
  clones: [],
};
export const auto: Snapshot = {
  ...clean,
  uid: 3,
  label: 'auto',
  parent: 1,
  depth: 1,
  autoProtect: true,
  clones: [],
};
/** What `snapshot list` of the daemon says. */
export const tree = [clean, updated, auto];

/** A port forward to a machine that does not run. */
export const forward: NetworkForward = {
  transport: 'tcp',
  bind: '127.0.0.1',
  hostPort: 8080,
  machine: 'web',
  machineId: null,
  address: '192.168.3.9',
  guestPort: 80,
  description: '',
  automatic: false,
  state: 'waiting',
  reason: null,
};
