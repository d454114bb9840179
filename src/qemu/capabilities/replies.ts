import { KameError } from '../../core/errors.ts';
import type { Arch } from '../../model/machine.ts';
import type { QmpClient } from '../qmp/client.ts';
import { SchemaIndex, type Schema } from '../qmp/schema.ts';
import type { AcceleratorKind, Capabilities } from './capabilities.ts';
import { answerAll, probedTypes } from './flags.ts';

/** The parts of the replies of a QEMU that are used; recorded in test/replies, without the schema. */
export interface ProbeReplies {
  readonly version: {
    readonly qemu: { major: number; minor: number; micro: number };
    readonly package: string;
  };
  readonly arch: string;
  readonly kvmPresent: boolean;
  readonly machines: ReadonlyArray<{ name: string; alias?: string; 'cpu-max': number; deprecated: boolean }>;
  readonly cpuModels: readonly string[];
  readonly devices: readonly string[];
  readonly accelerators: readonly string[];
  readonly memoryBackends: readonly string[];
  readonly commandLineOptions: ReadonlyArray<{ option: string; parameters: string[] }>;
  /** Names of the properties of the types in `probedTypes`. */
  readonly properties: Readonly<Record<string, readonly string[]>>;
}

async function typeNames(qmp: QmpClient, implementing: string): Promise<string[]> {
  const types = await qmp.execute('qom-list-types', { implements: implementing, abstract: false });
  return [...new Set(types.map((type) => type.name))].sort();
}

/** A type that this build does not have has none. */
async function propertiesOf(
  qmp: QmpClient,
  arch: string,
  devices: readonly string[],
): Promise<Record<string, string[]>> {
  const found: Record<string, string[]> = {};
  for (const typename of (probedTypes[arch] ?? []).filter((type) => devices.includes(type))) {
    const properties = await qmp.execute('qom-list-properties', { typename });
    found[typename] = properties.map((property) => property.name).sort();
  }
  return found;
}

/**
 * Queries everything about a QEMU, which must have been started with `-M none`.
 * @throws KameError as QmpClient.execute
 */
export async function askAll(qmp: QmpClient): Promise<{ replies: ProbeReplies; schema: Schema }> {
  const version = await qmp.execute('query-version');
  const { arch } = await qmp.execute('query-target');
  const machines = await qmp.execute('query-machines');
  const cpus = await qmp.execute('query-cpu-definitions');
  const options = await qmp.execute('query-command-line-options');
  const devices = await typeNames(qmp, 'device');
  const replies: ProbeReplies = {
    version: { qemu: version.qemu, package: version.package },
    arch,
    kvmPresent: (await qmp.execute('query-kvm')).present,
    machines: machines
      .map(({ name, alias, 'cpu-max': max, deprecated }) => {
        return { name, ...(alias === undefined ? {} : { alias }), 'cpu-max': max, deprecated };
      })
      .sort((a, b) => (a.name < b.name ? -1 : 1)),
    cpuModels: cpus.map((cpu) => cpu.name).sort(),
    devices,
    accelerators: await typeNames(qmp, 'accel'),
    memoryBackends: await typeNames(qmp, 'memory-backend'),
    commandLineOptions: options
      .map(({ option, parameters }) => ({ option, parameters: parameters.map((one) => one.name).sort() }))
      .sort((a, b) => (a.option < b.option ? -1 : 1)),
    properties: await propertiesOf(qmp, arch, devices),
  };
  return { replies, schema: (await qmp.execute('query-qmp-schema')) as Schema };
}

function archOf(name: string): Arch {
  if (name === 'aarch64' || name === 'x86_64') return name;
  throw new KameError('ENGINE_FAILED', `This QEMU emulates ${name}; Kame supports only aarch64 and x86_64.`);
}

/**
 * Derives the capabilities from the replies. Pure.
 * @throws KameError ENGINE_FAILED for a QEMU of another architecture
 */
export function capabilitiesFrom(binary: string, replies: ProbeReplies, schema: Schema): Capabilities {
  const has = (kind: AcceleratorKind): boolean => {
    return replies.accelerators.includes(`${kind}-accel`) && (kind !== 'kvm' || replies.kvmPresent);
  };
  return {
    binary,
    version: replies.version.qemu,
    package: replies.version.package,
    arch: archOf(replies.arch),
    accelerators: (['kvm', 'hvf', 'tcg'] as const).filter(has),
    machines: replies.machines.map((machine) => ({
      name: machine.name,
      ...(machine.alias === undefined ? {} : { alias: machine.alias }),
      maxCpus: machine['cpu-max'],
      deprecated: machine.deprecated,
    })),
    cpuModels: replies.cpuModels,
    devices: replies.devices,
    memoryBackends: replies.memoryBackends,
    options: replies.commandLineOptions.map((one) => one.option),
    flags: answerAll(replies, new SchemaIndex(schema)),
  };
}
