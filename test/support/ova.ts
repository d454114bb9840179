import { createHash } from 'node:crypto';
import { endOfArchive, headerOf } from '../../src/archive/tar-header.ts';

// Appliances as VMware's ovftool writes them, and as nobody should.

export interface OvaFile {
  readonly name: string;
  readonly content: Buffer;
}

/** An archive with these files in this order. */
export function tarOf(files: readonly OvaFile[]): Buffer {
  const entries = files.flatMap(({ name, content }) => [
    headerOf({
      path: name,
      type: 'file',
      size: content.length,
      mode: 0o644,
      uid: 0,
      gid: 0,
      mtime: 0,
      linkName: '',
    }),
    content,
    Buffer.alloc(-content.length & 511),
  ]);
  return Buffer.concat([...entries, endOfArchive]);
}

/** The manifest of files. */
export function manifestOf(
  files: readonly OvaFile[],
  algorithm: 'sha1' | 'sha256' | 'sha512' = 'sha256',
): Buffer {
  const lines = files.map(
    ({ name, content }) =>
      `${algorithm.toUpperCase()}(${name})= ${createHash(algorithm).update(content).digest('hex')}\n`,
  );
  return Buffer.from(lines.join(''));
}

const item = (fields: Readonly<Record<string, string | number>>) =>
  `<Item>${Object.entries(fields)
    .map(([key, value]) => `<rasd:${key}>${value}</rasd:${key}>`)
    .join('')}</Item>`;

export interface OvfOptions {
  /** Attributes of the File and of the Disk, with their spaces. */
  readonly file?: string;
  readonly disk?: string;
  readonly capacity?: number;
  readonly osType?: string;
  readonly cim?: number;
  /** More XML: in References, beside the machine, in the machine, and in its hardware. */
  readonly references?: string;
  readonly sections?: string;
  readonly system?: string;
  readonly hardware?: string;
  readonly transport?: string;
  readonly name?: string;
}

/** The descriptor of a machine with one disk on a SCSI controller, a CD drive and an adapter. */
export function ovf(options: OvfOptions = {}): string {
  const { capacity = 64 * 1024 * 1024, osType = 'debian12_64Guest', cim = 96, name = 'web' } = options;
  return `<?xml version="1.0" encoding="UTF-8"?>
<Envelope xmlns="http://schemas.dmtf.org/ovf/envelope/1" xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1"
  xmlns:rasd="http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData"
  xmlns:vssd="http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_VirtualSystemSettingData"
  xmlns:vmw="http://www.vmware.com/schema/ovf">
  <References>
    <File ovf:id="file1" ovf:href="web-disk1.vmdk" ${options.file ?? ''}/>
    ${options.references ?? ''}
  </References>
  <DiskSection>
    <Info>Disks</Info>
    <Disk ovf:diskId="vmdisk1" ovf:fileRef="file1" ovf:capacity="${capacity}" ovf:capacityAllocationUnits="byte"
      ovf:format="http://www.vmware.com/interfaces/specifications/vmdk.html#streamOptimized" ${options.disk ?? ''}/>
  </DiskSection>
  <NetworkSection><Info>Networks</Info><Network ovf:name="VM Network"/></NetworkSection>
  ${options.sections ?? ''}
  <VirtualSystem ovf:id="${name}">
    <Info>A machine</Info>
    <Name>${name}</Name>
    <OperatingSystemSection ovf:id="${cim}" vmw:osType="${osType}"><Info>System</Info></OperatingSystemSection>
    <VirtualHardwareSection ${options.transport ?? ''}>
      <Info>Hardware</Info>
      <System><vssd:VirtualSystemType>vmx-14</vssd:VirtualSystemType></System>
      ${item({ AllocationUnits: 'hertz * 10^6', InstanceID: 1, ResourceType: 3, VirtualQuantity: 2 })}
      ${item({ AllocationUnits: 'byte * 2^20', InstanceID: 2, ResourceType: 4, VirtualQuantity: 512 })}
      ${item({ Address: 0, InstanceID: 3, ResourceType: 6, ResourceSubType: 'VirtualSCSI' })}
      ${item({ Address: 1, InstanceID: 4, ResourceType: 5 })}
      ${item({ AddressOnParent: 0, HostResource: 'ovf:/disk/vmdisk1', InstanceID: 5, Parent: 3, ResourceType: 17 })}
      ${item({ AddressOnParent: 0, AutomaticAllocation: 'false', InstanceID: 6, Parent: 4, ResourceType: 15 })}
      ${item({ AddressOnParent: 7, AutomaticAllocation: 'true', Connection: 'VM Network', InstanceID: 7, ResourceType: 10, ResourceSubType: 'VmxNet3' })}
      ${options.hardware ?? ''}
    </VirtualHardwareSection>
    ${options.system ?? ''}
  </VirtualSystem>
</Envelope>
`;
}
