import type { MachineModel } from '../model/machine.ts';
import { namespaces, vmdkFormat } from './names.ts';
import { hardwareSection, networkNameOf, type VmwareSetting } from './write-hardware.ts';
import { operatingSystemSection } from './write-os.ts';
import { element, xmlDocument, type NewElement } from './write-xml.ts';

/** A disk of a new appliance, which is a streamOptimized VMDK. */
export interface NewOvfDisk {
  /** Where the machine has it. */
  readonly slot: string;
  /** Its file, a plain name without characters that a URI must escape. */
  readonly fileName: string;
  /** Size of the file, in bytes. */
  readonly fileBytes: number;
  /** Size of the disk in the guest, in bytes. */
  readonly capacity: number;
  /** Bytes of it that have data. */
  readonly populated: number;
}

/** What an OVF descriptor describes. */
export interface NewOvf {
  readonly name: string;
  readonly model: MachineModel;
  readonly disks: readonly NewOvfDisk[];
  /** Keys of the `.vmx` that go with it as they are. */
  readonly extra: readonly VmwareSetting[];
}

const fileId = (index: number): string => `file${index + 1}`;
const diskId = (index: number): string => `vmdisk${index + 1}`;

function references(disks: readonly NewOvfDisk[]): NewElement {
  return element(
    'References',
    disks.map(({ fileName, fileBytes }, index) =>
      element('File', '', { 'ovf:href': fileName, 'ovf:id': fileId(index), 'ovf:size': String(fileBytes) }),
    ),
  );
}

function diskSection(disks: readonly NewOvfDisk[]): NewElement {
  return element('DiskSection', [
    element('Info', 'Virtual disk information'),
    ...disks.map(({ capacity, populated }, index) =>
      element('Disk', '', {
        'ovf:capacity': String(capacity),
        'ovf:capacityAllocationUnits': 'byte',
        'ovf:diskId': diskId(index),
        'ovf:fileRef': fileId(index),
        'ovf:format': `${vmdkFormat}#streamOptimized`,
        'ovf:populatedSize': String(populated),
      }),
    ),
  ]);
}

function networkSection({ nics }: MachineModel): NewElement {
  const names = [...new Set(nics.map(networkNameOf))];
  return element('NetworkSection', [
    element('Info', 'The list of logical networks'),
    ...names.map((name) =>
      element('Network', [element('Description', `The ${name} network`)], { 'ovf:name': name }),
    ),
  ]);
}

/**
 * The descriptor of an appliance with one machine: OVF 1.1 (DMTF DSP0243), with what VMware adds to it, as ovftool writes it.
 * VMware’s products, virt-v2v, VirtualBox and Kame read it.
 */
export function ovfText({ name, model, disks, extra }: NewOvf): string {
  const ids = new Map(disks.map(({ slot }, index) => [slot, diskId(index)]));
  const annotation =
    model.annotation === ''
      ? []
      : [
          element('AnnotationSection', [
            element('Info', 'Notes about the machine'),
            element('Annotation', model.annotation),
          ]),
        ];
  const machine = element(
    'VirtualSystem',
    [
      element('Info', 'A virtual machine'),
      element('Name', name),
      operatingSystemSection(model.guestOS),
      hardwareSection(model, name, ids, extra),
      ...annotation,
    ],
    { 'ovf:id': name },
  );
  return xmlDocument(
    element('Envelope', [references(disks), diskSection(disks), networkSection(model), machine], {
      xmlns: namespaces.envelope1,
      'xmlns:ovf': namespaces.envelope1,
      'xmlns:rasd': namespaces.rasd,
      'xmlns:vssd': namespaces.vssd,
      'xmlns:vmw': namespaces.vmw,
    }),
  );
}
