import { badOvf, quoted } from './bad-ovf.ts';
import { attributeOf, childOf, childrenOf, childText, type XmlElement } from './xml.ts';

/** A virtual device, as a VirtualHardwareSection lists it. */
export interface OvfItem {
  readonly instanceId: string;
  readonly parent: string | undefined;
  /** Of `resourceTypes`. */
  readonly type: number;
  readonly subType: string;
  readonly name: string;
  readonly address: string | undefined;
  readonly addressOnParent: string | undefined;
  readonly quantity: string | undefined;
  readonly units: string | undefined;
  /** What it is made of: `ovf:/disk/ID` or `ovf:/file/ID`. */
  readonly resource: string | undefined;
  /** The networks of an adapter. */
  readonly connection: string | undefined;
  readonly startConnected: boolean;
  readonly coresPerSocket: number | undefined;
  /** False only if the descriptor says that the machine works without it. */
  readonly required: boolean;
}

/** OVF 2.0 has elements of their own for storage and network adapters; their children have the same names. */
const itemNames: ReadonlySet<string> = new Set(['Item', 'StorageItem', 'EthernetPortItem']);

/** Whether an element is required: an attribute that is missing means true (DSP0243, 6.2). */
export function isRequired(element: XmlElement): boolean {
  return attributeOf(element, 'required')?.trim().toLowerCase() !== 'false';
}

function itemOf(element: XmlElement): OvfItem {
  const text = (name: string) => childText(element, name);
  const cores = Number(text('CoresPerSocket') ?? Number.NaN);
  return {
    instanceId: text('InstanceID') ?? text('InstanceId') ?? '',
    parent: text('Parent'),
    type: Number(text('ResourceType') ?? 0),
    subType: text('ResourceSubType') ?? '',
    name: text('ElementName') ?? text('Caption') ?? text('Description') ?? '',
    address: text('Address'),
    addressOnParent: text('AddressOnParent'),
    quantity: text('VirtualQuantity'),
    units: text('AllocationUnits') ?? text('VirtualQuantityUnits'),
    resource: text('HostResource'),
    connection: text('Connection'),
    startConnected: text('AutomaticAllocation')?.toLowerCase() !== 'false',
    coresPerSocket: Number.isSafeInteger(cores) && cores > 0 ? cores : undefined,
    required: isRequired(element),
  };
}

/** The configuration that applies without a choice: the default one, or the first. */
function defaultConfiguration(envelope: XmlElement): string | undefined {
  const options = childrenOf(childOf(envelope, 'DeploymentOptionSection'), 'Configuration');
  const chosen = options.find((option) => attributeOf(option, 'default') === 'true') ?? options[0];
  return attributeOf(chosen, 'id');
}

/**
 * The devices of a VirtualHardwareSection in the default configuration: an item of that configuration replaces one with the
 * same id. Items that only give the bounds of a value are left out.
 * @throws KameError BAD_IMAGE for two items with one id
 */
export function readItems(path: string, envelope: XmlElement, hardware: XmlElement): readonly OvfItem[] {
  const chosen = defaultConfiguration(envelope);
  const plain = new Map<string, OvfItem>();
  const configured = new Map<string, OvfItem>();
  for (const element of hardware.children) {
    if (!itemNames.has(element.name) || attributeOf(element, 'bound') !== undefined) continue;
    const configurations = attributeOf(element, 'configuration')?.split(/\s+/u);
    if (configurations && (chosen === undefined || !configurations.includes(chosen))) continue;
    const item = itemOf(element);
    const found = configurations ? configured : plain;
    if (found.has(item.instanceId))
      throw badOvf(path, `has two devices with the id ${quoted(item.instanceId)}`);
    found.set(item.instanceId, item);
  }
  return [...new Map([...plain, ...configured]).values()];
}
