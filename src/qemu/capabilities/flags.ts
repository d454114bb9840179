import type { SchemaIndex } from '../qmp/schema.ts';
import { atLeast } from './capabilities.ts';
import type { ProbeReplies } from './replies.ts';
import { schemaHas } from './schema-path.ts';

/** How to answer a question about a QEMU. Use the first kind that can express the question. */
type Question =
  /** A path in the QMP schema; see schema-path.ts. */
  | { readonly schema: string }
  /** A property of an object type, among those in `probedTypes`. */
  | { readonly property: readonly [type: string, property: string] }
  /** A command line option, optionally with a parameter. */
  | { readonly option: string; readonly parameter?: string }
  /** The first version that has it, if QEMU cannot be queried. */
  | { readonly since: readonly [major: number, minor: number] };

/** The only table of differences between versions and builds. Nothing outside capabilities/ compares versions. */
export const questions = {
  /** Cheaper pointer authentication for an emulated guest: four times faster boots (measured on 7.2). */
  'pauth-impdef': { property: ['max-arm-cpu', 'pauth-impdef'] },
  /** 52-bit addresses; Linux before 5.12 does not boot with them (see the virt-6.2 machine in QEMU). */
  lpa2: { property: ['max-arm-cpu', 'lpa2'] },
  sandbox: { option: 'sandbox' },
  'panic-action': { option: 'action', parameter: 'panic' },
  'message-timestamp': { option: 'msg', parameter: 'timestamp' },
  /** GIC version 3 under Hypervisor.framework; before that, version 2 with at most 8 CPUs. */
  'hvf-gicv3': { since: [8, 0] },
  /** Since then, `-netdev` parses JSON. */
  'netdev-stream': { schema: 'netdev_add/arg-type/+stream' },
  /** Writes the device state to a file without a helper process. */
  'migrate-mapped-ram': {
    schema: 'migrate-set-capabilities/arg-type/capabilities/[]/capability/^mapped-ram',
  },
  'migrate-ignore-shared': {
    schema: 'migrate-set-capabilities/arg-type/capabilities/[]/capability/^x-ignore-shared',
  },
  /** Vulkan for guests of a display that renders in 3D. */
  venus: { property: ['virtio-gpu-gl-device', 'venus'] },
  'memory-rom': { schema: 'object-add/arg-type/+memory-backend-file/*rom' },
} as const satisfies Record<string, Question>;

export type FlagName = keyof typeof questions;

/** The object types whose properties the table uses, by architecture. */
export const probedTypes: Readonly<Record<string, readonly string[]>> = {
  aarch64: ['max-arm-cpu', 'virtio-gpu-gl-device'],
  x86_64: ['virtio-gpu-gl-device'],
};

function answer(question: Question, replies: ProbeReplies, schema: SchemaIndex): boolean {
  if ('schema' in question) return schemaHas(schema, question.schema);
  if ('property' in question) {
    const [type, property] = question.property;
    return (replies.properties[type] ?? []).includes(property);
  }
  if ('since' in question) return atLeast(replies.version.qemu, question.since[0], question.since[1]);
  const option = replies.commandLineOptions.find((one) => one.option === question.option);
  if (!option) return false;
  return question.parameter === undefined || option.parameters.includes(question.parameter);
}

/** The rows of the table that are true for a QEMU, in the order of the table. */
export function answerAll(replies: ProbeReplies, schema: SchemaIndex): FlagName[] {
  return (Object.keys(questions) as FlagName[]).filter((name) => answer(questions[name], replies, schema));
}
