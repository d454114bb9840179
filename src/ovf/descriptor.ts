import { badOvf } from './bad-ovf.ts';
import { readItems, type OvfItem } from './items.ts';
import { namespaces } from './names.ts';
import { readDisks, readFiles, type OvfDisk, type OvfFile } from './package-files.ts';
import {
  onlySystem,
  readConfigs,
  readEulas,
  readProperties,
  refuseUnknownSections,
  withValues,
  type OvfProperty,
  type VmwareConfig,
} from './sections.ts';
import { attributeOf, childOf, childText, childrenOf, parseXml, type XmlElement } from './xml.ts';

/** An appliance as its descriptor describes it. */
export interface Appliance {
  /** Of the machine; empty if it has none. */
  readonly name: string;
  readonly annotation: string;
  /** The number of CIM for the guest system, and VMware's name for it. */
  readonly guest: { readonly cim: number; readonly vmware?: string; readonly description: string };
  /** Such as 19, of `vmx-19`. */
  readonly hardwareVersion?: number;
  readonly items: readonly OvfItem[];
  readonly files: ReadonlyMap<string, OvfFile>;
  readonly disks: ReadonlyMap<string, OvfDisk>;
  readonly networks: readonly string[];
  readonly eulas: readonly string[];
  readonly properties: readonly OvfProperty[];
  /** How the guest wants its properties, such as `com.vmware.guestInfo` or `iso`. */
  readonly transports: readonly string[];
  readonly configs: readonly VmwareConfig[];
  readonly extraConfigs: readonly VmwareConfig[];
  /** Whether VirtualBox, which has no key for it, wrote EFI into its own section. */
  readonly virtualBoxEfi: boolean;
}

function hardwareVersionOf(hardware: XmlElement): number | undefined {
  const types = childText(childOf(hardware, 'System'), 'VirtualSystemType') ?? '';
  const versions = [...types.matchAll(/\bvmx-(\d{1,2})\b/gu)].map(([, digits]) => Number(digits));
  return versions.length === 0 ? undefined : Math.max(...versions);
}

function virtualBoxFirmware(system: XmlElement): string | undefined {
  const hardware = childOf(childOf(system, 'Machine'), 'Hardware');
  return attributeOf(childOf(hardware, 'Firmware'), 'type');
}

function guestOf(system: XmlElement): Appliance['guest'] {
  const section = childOf(system, 'OperatingSystemSection');
  const vmware = attributeOf(section, 'osType');
  return {
    cim: Number(attributeOf(section, 'id') ?? 1),
    ...(vmware === undefined ? {} : { vmware }),
    description: childText(section, 'Description') ?? '',
  };
}

/** Replaces a text that is `${key}` by the value of that property. */
function resolver(properties: readonly OvfProperty[]): (text: string) => string {
  const values = new Map(properties.map(({ key, value }) => [key, value]));
  return (text) => {
    const key = /^\$\{(.{1,200})\}$/u.exec(text.trim())?.[1];
    return key === undefined ? text.trim() : (values.get(key) ?? '');
  };
}

function hardwareOf(path: string, system: XmlElement): XmlElement {
  const [hardware] = childrenOf(system, 'VirtualHardwareSection');
  if (!hardware) throw badOvf(path, 'does not describe the hardware of its machine');
  return hardware;
}

/**
 * Reads the descriptor of an appliance: OVF 1.x and 2.0 (DMTF DSP0243) with the additions of VMware.
 * @param path its name, for messages
 * @param values for its properties, in place of their defaults
 * @throws KameError BAD_IMAGE naming what is malformed, or required and unknown; INVALID_VALUE for a property that it does not have
 */
export function readDescriptor(
  path: string,
  bytes: Uint8Array,
  values: Readonly<Record<string, string>> = {},
): Appliance {
  const envelope = parseXml(path, bytes);
  const spaces: readonly string[] = [namespaces.envelope1, namespaces.envelope2];
  if (envelope.name !== 'Envelope' || !spaces.includes(envelope.uri))
    throw badOvf(
      path,
      'is not an OVF descriptor of version 1 or 2',
      'Export the machine again, as OVF 1.0 or newer.',
    );
  const system = onlySystem(path, envelope);
  refuseUnknownSections(path, envelope, system);
  const hardware = hardwareOf(path, system);
  const properties = withValues(readProperties(system), values);
  const files = readFiles(path, envelope);
  const version = hardwareVersionOf(hardware);
  return {
    name: childText(system, 'Name') ?? attributeOf(system, 'id') ?? '',
    annotation: childText(childOf(system, 'AnnotationSection'), 'Annotation') ?? '',
    guest: guestOf(system),
    ...(version === undefined ? {} : { hardwareVersion: version }),
    items: readItems(path, envelope, hardware),
    files,
    disks: readDisks(path, envelope, files, resolver(properties)),
    networks: childrenOf(childOf(envelope, 'NetworkSection'), 'Network').map(
      (network) => attributeOf(network, 'name') ?? '',
    ),
    eulas: readEulas(system),
    properties,
    transports: attributeOf(hardware, 'transport')?.split(/\s+/u) ?? [],
    configs: readConfigs(hardware, 'Config'),
    extraConfigs: readConfigs(hardware, 'ExtraConfig'),
    virtualBoxEfi: virtualBoxFirmware(system)?.toUpperCase().startsWith('EFI') === true,
  };
}
