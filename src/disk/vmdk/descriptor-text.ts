import { sectorBytes } from './descriptor.ts';

/** What a new VMDK says of itself. */
export interface VmdkFacts {
  /** Name of its only file, without directory and quotation marks. */
  readonly fileName: string;
  /** 32 hexadecimal digits, which change whenever the content does; the last eight are the CID. */
  readonly contentId: string;
  /** The kind of controller that a BIOS would find it at. */
  readonly adapter: 'ide' | 'lsilogic' | 'buslogic';
  /** `virtualHW.version` of the machine. */
  readonly hardwareVersion: number;
}

/** Cylinders, heads and sectors that a BIOS shows, by the kind of adapter and the size, as VMware chooses them. */
function geometryOf(sectors: number, adapter: VmdkFacts['adapter']): readonly [number, number, number] {
  const gibibyte = 1024 ** 3 / sectorBytes;
  const [heads, perTrack] =
    adapter === 'ide'
      ? [16, 63]
      : sectors < gibibyte
        ? [64, 32]
        : sectors < 2 * gibibyte
          ? [128, 32]
          : [255, 63];
  const cylinders = Math.floor(sectors / (heads * perTrack));
  return [adapter === 'ide' ? Math.min(cylinders, 16_383) : cylinders, heads, perTrack];
}

/** The line of an extent. Those of a flat file on VMFS tell no offset. */
export function extentLine(kind: 'SPARSE' | 'FLAT' | 'VMFS', sectors: number, fileName: string): string {
  return `RW ${sectors} ${kind} "${fileName}"${kind === 'FLAT' ? ' 0' : ''}`;
}

/**
 * The descriptor of a disk.
 * @param size in bytes, in whole sectors
 * @param extents the lines of its extents; by default that of one sparse file, which has the descriptor in it
 * @param more lines for the end
 */
export function descriptorText(
  createType: string,
  size: number,
  facts: VmdkFacts,
  extents: readonly string[] = [extentLine('SPARSE', size / sectorBytes, facts.fileName)],
  more = '',
): string {
  const sectors = size / sectorBytes;
  const [cylinders, heads, perTrack] = geometryOf(sectors, facts.adapter);
  return `# Disk DescriptorFile
version=1
encoding="UTF-8"
CID=${facts.contentId.slice(-8)}
parentCID=ffffffff
createType="${createType}"

# Extent description
${extents.join('\n')}

# The Disk Data Base
#DDB

ddb.adapterType = "${facts.adapter}"
ddb.geometry.cylinders = "${cylinders}"
ddb.geometry.heads = "${heads}"
ddb.geometry.sectors = "${perTrack}"
ddb.longContentID = "${facts.contentId}"
ddb.virtualHWVersion = "${facts.hardwareVersion}"
${more}`;
}
