import type { SnapshotDetails } from '../api/checkpoint.ts';
import { formatSize } from '../core/units.ts';
import type { Session } from './session.ts';
import { localTime } from './local-time.ts';
import type { Cell } from './table.ts';

function diskText(disk: SnapshotDetails['disks'][number]): string {
  const sizes = [
    disk.sizeBytes === null ? undefined : formatSize(disk.sizeBytes),
    disk.allocatedBytes === null ? undefined : `${formatSize(disk.allocatedBytes)} on the host`,
  ].filter((text) => text !== undefined);
  return [...sizes, disk.path].join(', ');
}

/** The details of a snapshot, as names and values. */
export function pairsOf(snapshot: SnapshotDetails, session: Session): (readonly [string, Cell | string])[] {
  const { engine } = snapshot;
  const pairs: (readonly [string, Cell | string])[] = [
    ['label', snapshot.label],
    ['path', snapshot.path],
    ['uid', String(snapshot.uid)],
    ['taken', `${localTime(snapshot.createdAt)}${snapshot.autoProtect ? ', by AutoProtect' : ''}`],
    ['state', `${snapshot.state}${snapshot.memory ? ', with memory' : ''}`],
    ['on the host', formatSize(snapshot.bytes)],
  ];
  if (snapshot.description !== '') pairs.push(['description', snapshot.description]);
  if (snapshot.current) pairs.push(['current', 'the machine continues from here']);
  if (engine) {
    const { version, machineType, cpu, accelerator } = engine;
    pairs.push(['engine', `QEMU ${version}, ${machineType}, ${cpu}, ${accelerator}`]);
  }
  for (const disk of snapshot.disks) pairs.push([`disk ${disk.slot}`, diskText(disk)]);
  for (const clone of snapshot.clones) pairs.push(['linked clone', clone]);
  for (const problem of snapshot.problems)
    pairs.push(['error', { text: problem, paint: session.paint('red') }]);
  return pairs;
}
