import { KameError } from '../core/errors.ts';
import { badOvf, quoted } from './bad-ovf.ts';
import { isRequired } from './items.ts';
import { attributeOf, childOf, childrenOf, childText, type XmlElement } from './xml.ts';

/** A property of the software in the appliance, and the value that the person would be asked for. */
export interface OvfProperty {
  /** As the guest knows it: `CLASS.KEY.INSTANCE`, as far as it has these. */
  readonly key: string;
  readonly value: string;
  /** What to ask for; empty if the descriptor has no words for it. */
  readonly label: string;
  readonly description: string;
  /** Whether a person may change it. */
  readonly configurable: boolean;
  /** Whether nobody else should see it. */
  readonly password: boolean;
}

/** A key and a value of VMware: `vmw:Config` or `vmw:ExtraConfig`. */
export interface VmwareConfig {
  readonly key: string;
  readonly value: string;
  /** Whether the descriptor says in so many words that it must be honoured. */
  readonly required: boolean;
}

/** Sections that Kame reads, or that only matter to what it does not do, such as the order in which several machines start. */
const knownOfEnvelope: ReadonlySet<string> = new Set([
  'References',
  'DiskSection',
  'NetworkSection',
  'DeploymentOptionSection',
  'VirtualSystem',
  'VirtualSystemCollection',
  'Strings',
]);
const knownOfSystem: ReadonlySet<string> = new Set([
  'Info',
  'Name',
  'EulaSection',
  'ProductSection',
  'OperatingSystemSection',
  'VirtualHardwareSection',
  'AnnotationSection',
  'StartupSection',
  'BootOrderSection',
]);

function refuseUnknown(path: string, element: XmlElement, known: ReadonlySet<string>): void {
  for (const child of element.children) {
    if (known.has(child.name) || !isRequired(child)) continue;
    const info = childText(child, 'Info');
    throw badOvf(
      path,
      `requires the section ${child.name}, which Kame does not know${info === undefined ? '' : `: ${quoted(info)}`}`,
      'If the machine works without it, set ovf:required="false" on the section in the .ovf, and remove the manifest.',
    );
  }
}

/** @throws KameError BAD_IMAGE naming a section that must be honoured and cannot be */
export function refuseUnknownSections(path: string, envelope: XmlElement, system: XmlElement): void {
  refuseUnknown(path, envelope, knownOfEnvelope);
  refuseUnknown(path, system, knownOfSystem);
}

/** The only machine of an appliance. @throws KameError BAD_IMAGE if there are several, or none */
export function onlySystem(path: string, envelope: XmlElement): XmlElement {
  const systems = [...childrenOf(envelope, 'VirtualSystem')];
  const collections = [...childrenOf(envelope, 'VirtualSystemCollection')];
  for (let next = collections.pop(); next; next = collections.pop()) {
    systems.push(...childrenOf(next, 'VirtualSystem'));
    collections.push(...childrenOf(next, 'VirtualSystemCollection'));
  }
  const [only, ...more] = systems;
  if (only === undefined) throw badOvf(path, 'describes no machine');
  if (more.length === 0) return only;
  throw badOvf(
    path,
    `describes ${systems.length} machines; Kame imports one`,
    'Export each machine into an appliance of its own.',
  );
}

/** The licences, each to be accepted. */
export function readEulas(system: XmlElement): string[] {
  return childrenOf(system, 'EulaSection').flatMap((section) => childText(section, 'License') ?? []);
}

function isTrue(text: string | undefined): boolean {
  return text?.trim().toLowerCase() === 'true';
}

function propertyOf(section: XmlElement, property: XmlElement): OvfProperty {
  const parts = [
    attributeOf(section, 'class'),
    attributeOf(property, 'key'),
    attributeOf(section, 'instance'),
  ];
  const inline = attributeOf(childOf(property, 'Value'), 'value');
  return {
    key: parts.filter((part) => part !== undefined && part !== '').join('.'),
    value: attributeOf(property, 'value') ?? inline ?? '',
    label: childText(property, 'Label') ?? '',
    description: childText(property, 'Description') ?? '',
    configurable: isTrue(attributeOf(property, 'userConfigurable')),
    password: isTrue(attributeOf(property, 'password')),
  };
}

/** All properties with their defaults. */
export function readProperties(system: XmlElement): OvfProperty[] {
  return childrenOf(system, 'ProductSection').flatMap((section) =>
    childrenOf(section, 'Property').map((property) => propertyOf(section, property)),
  );
}

/**
 * The properties with the values that a person gave.
 * @throws KameError INVALID_VALUE for one that the appliance does not have, or that must stay as it is
 */
export function withValues(
  properties: readonly OvfProperty[],
  values: Readonly<Record<string, string>>,
): readonly OvfProperty[] {
  const given = new Map(Object.entries(values));
  const configurable = properties.filter((property) => property.configurable).map(({ key }) => key);
  for (const key of given.keys()) {
    if (configurable.includes(key)) continue;
    throw new KameError('INVALID_VALUE', `The appliance has no property ${quoted(key)} that can be set.`, {
      next: `Its properties are: ${configurable.map(quoted).join(', ') || 'none'}.`,
    });
  }
  return properties.map((property) => ({ ...property, value: given.get(property.key) ?? property.value }));
}

/** The keys and values of VMware in a section. @param name Config or ExtraConfig */
export function readConfigs(section: XmlElement, name: 'Config' | 'ExtraConfig'): VmwareConfig[] {
  return childrenOf(section, name).map((element) => ({
    key: attributeOf(element, 'key') ?? '',
    value: attributeOf(element, 'value') ?? '',
    required: isTrue(attributeOf(element, 'required')),
  }));
}
