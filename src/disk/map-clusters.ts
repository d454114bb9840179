import type { PlacedExtent, PlacedLayer, Unplaced } from './vmdk/places.ts';

/** How the data of an extent are cut into clusters of a qcow2. */
export interface Cut {
  /** In bytes: a power of 2. */
  readonly clusterSize: number;
  /** Where the first cluster begins in the file, so that all data begin at multiples of a cluster from there. */
  readonly offset: number;
  /** Whether the extent has anything. */
  readonly isEmpty: boolean;
}

const smallest = 512;
const largest = 2 * 1024 * 1024;
/** The limit of the qcow2 driver in QEMU for an L1 table. */
const maxL1Bytes = 32 * 1024 * 1024;

/** Bytes of the disk that one entry of an L1 table covers. */
export function perTable(clusterSize: number): number {
  return clusterSize * (clusterSize / 8);
}

/** The largest power of 2, at most `largest`, of which all numbers are multiples. */
class CommonUnit {
  #bits = largest;

  add(value: number): void {
    // The lower half of a safe integer is enough: only the lowest bits count.
    this.#bits |= value % largest;
  }

  get value(): number {
    return this.#bits & -this.#bits;
  }
}

/**
 * Looks at all places of the data of an extent, and finds the largest clusters that fit them.
 * @throws KameError BAD_IMAGE, FILE_ACCESS
 */
export async function cutOf(layer: PlacedLayer, extent: PlacedExtent): Promise<Cut | Unplaced> {
  const { start, size, unit, path } = extent;
  const common = new CommonUnit();
  common.add(start);
  const end = start + size;
  if (end !== layer.size) common.add(end);
  if (unit !== size) common.add(unit);
  let first: number | undefined;
  let isEmpty = true;
  for await (const { at } of extent.runs()) {
    isEmpty = false;
    if (at === null) continue;
    first ??= at;
    common.add(Math.abs(at - first));
  }
  const clusterSize = common.value;
  if (clusterSize < smallest) return { reason: `${path} has data that do not begin at whole sectors` };
  if (Math.ceil(layer.size / perTable(clusterSize)) * 8 > maxL1Bytes) {
    return {
      reason: `the data in ${path} are aligned to ${clusterSize} bytes only, and the disk is too large for that`,
    };
  }
  return { clusterSize, offset: (first ?? 0) % clusterSize, isEmpty };
}
