import { maxFloppies, maxParallels, maxSerials, maxSharedFolders } from './devices.ts';
import { whyNotAttached } from './floppies.ts';
import type { Arch, Floppy, ParallelPort, SerialPort, SharedFolder } from './machine.ts';
import { shown } from './problem.ts';
import type { ModelReading } from './reading.ts';

/** Every N of the keys `<prefix>N.…`, in order. */
function indicesOf(reading: ModelReading, prefix: string): number[] {
  const found = new Set<number>();
  const form = new RegExp(`^${prefix}(0|[1-9]\\d{0,2})\\.`);
  for (const key of reading.doc.index.keys()) {
    const index = form.exec(key)?.[1];
    if (index !== undefined) found.add(Number(index));
  }
  return [...found].sort((a, b) => a - b);
}

/** The numbers of the devices that are present, up to the maximum. `usual`: whether one is present if no key says so. */
export function presentIndices(
  reading: ModelReading,
  prefix: string,
  count: number,
  usual: (name: string) => boolean = () => false,
): number[] {
  return indicesOf(reading, prefix.toLowerCase()).filter((index) => {
    if (!reading.flag(`${prefix}${index}.present`, usual(`${prefix}${index}`))) return false;
    if (index < count) return true;
    reading.leaveOut(
      `${prefix}${index}.present`,
      `a number from 0 to ${count - 1}`,
      `${prefix}${index} exceeds the limit of ${prefix}${count - 1}.`,
    );
    return false;
  });
}

export const serialKinds = ['file', 'device', 'pipe', 'network'] as const;

export function readSerials(reading: ModelReading): SerialPort[] {
  return presentIndices(reading, 'serial', maxSerials).flatMap((index) => {
    const name = `serial${index}`;
    // VMware's virtual printer, which Kame does not support.
    if (reading.text(`${name}.fileType`)?.toLowerCase() === 'thinprint') return [];
    const kind = reading.choice(`${name}.fileType`, serialKinds, 'device');
    return [{ index, kind, fileName: reading.text(`${name}.fileName`) ?? '' }];
  });
}

/**
 * The floppy drives. VMware has one unless the file says that there is none; without an image it is not worth mentioning.
 * Like a CD drive, one of the host counts as empty.
 */
export function readFloppies(reading: ModelReading, arch: Arch): Floppy[] {
  const isThere = (name: string): boolean => reading.text(`${name}.fileName`) !== undefined;
  return presentIndices(reading, 'floppy', maxFloppies, isThere).map((index) => {
    const name = `floppy${index}`;
    const file = reading.text(`${name}.fileName`) ?? '';
    const isImage = reading.choice(`${name}.fileType`, ['device', 'file'] as const, 'device') === 'file';
    const floppy: Floppy = {
      index,
      fileName: isImage && file !== '' ? file : null,
      startConnected: reading.flag(`${name}.startConnected`, true),
    };
    const reason = whyNotAttached(floppy, arch);
    if (floppy.fileName !== null && reason !== undefined)
      reading.warn(
        `${name}.fileName`,
        `The image of ${name} (${shown(file)}) is kept but not attached: ${reason}.`,
      );
    return floppy;
  });
}

/** The parallel ports, which no machine of Kame has. */
export function readParallels(reading: ModelReading): ParallelPort[] {
  return presentIndices(reading, 'parallel', maxParallels).map((index) => {
    const name = `parallel${index}`;
    const fileName = reading.text(`${name}.fileName`) ?? '';
    reading.warn(
      `${name}.present`,
      `${name}${fileName === '' ? '' : ` (${shown(fileName)})`} is kept but not attached: Kame has no parallel ports.`,
    );
    return {
      index,
      kind: reading.choice(`${name}.fileType`, ['file', 'device'] as const, 'device'),
      fileName,
    };
  });
}

export function readSharedFolders(reading: ModelReading): SharedFolder[] {
  return presentIndices(reading, 'sharedFolder', maxSharedFolders).flatMap((index) => {
    const name = `sharedFolder${index}`;
    const hostPath = reading.text(`${name}.hostPath`);
    const guestName = reading.text(`${name}.guestName`);
    if (hostPath === undefined || guestName === undefined) {
      const missing = hostPath === undefined ? 'hostPath' : 'guestName';
      reading.leaveOut(`${name}.${missing}`, 'a text', `${name} has no ${missing}.`);
      return [];
    }
    const readable = reading.flag(`${name}.readAccess`, true);
    const enabled = reading.flag(`${name}.enabled`, true) && readable;
    return [{ index, guestName, hostPath, enabled, writable: reading.flag(`${name}.writeAccess`, false) }];
  });
}
