import type { Snapshot } from '../../src/vmx/snapshot-model.ts';

/** What is said of a snapshot when it is taken. */
export const taken: Omit<Snapshot, 'uid' | 'parent'> = {
  displayName: 'clean',
  description: '',
  withMemory: false,
  createdAt: new Date('2026-03-01T12:00:00.250Z'),
  fileName: 'web-Snapshot1.vmsn',
  disks: [{ slot: 'nvme0:0', fileName: 'web.vmdk' }],
  clones: [],
  tiers: [],
};
