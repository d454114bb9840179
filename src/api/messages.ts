import * as z from 'zod';
import { maxScriptBytes } from './limits.ts';
import { arch, machineState } from './machine.ts';

/** Shapes of errors, progress, events, images, the doctor and the daemon. */

export const errorBody = z
  .object({
    code: z.string().describe('One of the codes in docs/errors.md'),
    message: z.string(),
    next: z.string().describe('What to do'),
    details: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
  })
  .meta({ id: 'ErrorBody' });
export type ErrorBody = z.infer<typeof errorBody>;

const progressReport = z
  .object({
    stage: z.string(),
    done: z.number().optional(),
    total: z.number().optional(),
    unit: z.enum(['bytes', 'items']).optional(),
  })
  .meta({ id: 'ProgressReport' });

/** A line of the `application/x-ndjson` reply to a task. The last line is a result or an error. */
export type TaskLine<T> =
  | { type: 'progress'; progress: z.infer<typeof progressReport> }
  | { type: 'result'; result: T }
  | { type: 'error'; error: ErrorBody };

export const task = z
  .object({
    id: z.string(),
    verb: z.string(),
    machine: z.string().nullable(),
    startedAt: z.string(),
    progress: progressReport.nullable(),
  })
  .meta({ id: 'Task' });
export type Task = z.infer<typeof task>;

export const event = z
  .object({
    at: z.string().describe('ISO 8601'),
    type: z.enum([
      'machine.state',
      'machine.agent',
      'machine.created',
      'machine.deleted',
      'machine.changed',
      'machine.panicked',
      'network.changed',
    ]),
    machine: z.string().nullable().describe('Name of the machine'),
    id: z.string().nullable(),
    state: machineState.nullable(),
    message: z.string(),
  })
  .meta({ id: 'KameEvent' });
export type KameEvent = z.infer<typeof event>;

export const image = z
  .object({
    id: z.string(),
    name: z.string(),
    arch: z.string(),
    source: z.enum(['embedded', 'catalogue', 'imported']),
    guestOS: z.string().nullable(),
    sizeBytes: z.int().nullable().describe('Size of the download, or of the file if cached'),
    cached: z.boolean(),
    path: z.string().nullable().describe('Path of the file if cached'),
    iso: z.boolean().describe('Whether it is an ISO to install a system from, instead of a disk'),
    problem: z.string().nullable().describe('Why nobody knows whether it is cached; null if that is known'),
  })
  .meta({ id: 'Image' });
export type Image = z.infer<typeof image>;

export const pullImage = z
  .object({ image: z.string().describe('An id from the catalogue'), arch: arch.optional() })
  .strict()
  .meta({ id: 'PullImage' });
export type PullImage = z.output<typeof pullImage>;

export const importImage = z
  .object({
    path: z.string().describe('Absolute path of a qcow2, raw, vmdk, vhdx, vdi or iso file'),
    name: z.string().optional().describe('Default: the file name'),
  })
  .strict()
  .meta({ id: 'ImportImage' });
export type ImportImage = z.output<typeof importImage>;

export const runDoctor = z
  .object({
    fresh: z.boolean().default(false).describe('Test the accelerators again, which takes seconds'),
  })
  .strict()
  .meta({ id: 'RunDoctor' });

const doctorCheck = z
  .object({
    name: z.string(),
    status: z.enum(['ok', 'warning', 'failed']),
    message: z.string(),
    next: z.string().optional(),
  })
  .meta({ id: 'DoctorCheck' });
export const doctor = z.object({ ok: z.boolean(), checks: z.array(doctorCheck) }).meta({ id: 'Doctor' });
export type Doctor = z.infer<typeof doctor>;
export type DoctorCheck = z.infer<typeof doctorCheck>;

export const daemonStatus = z
  .object({
    running: z.boolean(),
    pid: z.int().nullable(),
    version: z.string().nullable(),
    home: z.string(),
    socket: z.string(),
    startedAt: z.string().nullable(),
    machines: z.int().nullable(),
    runningMachines: z.int().nullable(),
    rssBytes: z.int().nullable(),
  })
  .meta({ id: 'DaemonStatus' });
export type DaemonStatus = z.infer<typeof daemonStatus>;

/** The result of an operation that returns nothing else. */
export const done = z.object({ ok: z.literal(true) }).meta({ id: 'Done' });

export const cancelledTask = z
  .object({ found: z.boolean().describe('Whether the task existed') })
  .meta({ id: 'CancelledTask' });

/** A script for an interpreter: the command. Through the guest agent it is a file in the guest meanwhile. */
export const guestScript = z
  .strictObject({
    text: z.string().max(maxScriptBytes).describe('The command gets the path of a file with this text'),
    arguments: z.array(z.string().max(131_072)).max(4096).default([]).describe('What follows the path'),
  })
  .meta({ id: 'GuestScript' });

const cells = z.int().min(1).max(1000);
const terminalSize = { rows: cells, columns: cells };

/**
 * The exec WebSocket: the client's first text message is an ExecRequest; binary messages follow with standard input, an empty
 * one ends it, and each ExecControl is a text message. The server sends each ExecMessage as text, with `data` in base64, and
 * closes after `exit` or `error`.
 */
export const execRequest = z
  .object({
    command: z
      .array(z.string().max(131_072))
      .max(4096)
      .describe('Empty for the login shell of the user, on a terminal'),
    script: guestScript.optional(),
    env: z.record(z.string(), z.string()).optional(),
    stdin: z.boolean().default(false).describe('Whether the client sends standard input'),
    terminal: z
      .strictObject({ ...terminalSize, type: z.string().max(64).describe('The value of TERM') })
      .optional()
      .describe('Run the command on a terminal, which needs kame-tools'),
    user: z.string().min(1).max(256).optional().describe('Default: root. Another one needs kame-tools'),
    cwd: z.string().min(1).max(4096).optional().describe('Needs kame-tools'),
    timeoutMs: z.int().min(1).max(86_400_000).optional(),
  })
  .strict()
  .refine(({ command, terminal }) => command.length > 0 || terminal !== undefined, {
    error: 'The command is empty, which only a login shell on a terminal can be.',
  })
  .refine(({ command, script }) => command.length > 0 || script === undefined, {
    error: 'A script needs an interpreter: the command.',
  })
  .meta({ id: 'ExecRequest' });
export type ExecRequest = z.output<typeof execRequest>;

/** Only through kame-tools; otherwise it is ignored. */
export const execControl = z
  .union([
    z.strictObject({ type: z.literal('resize'), ...terminalSize }),
    z.strictObject({ type: z.literal('signal'), signal: z.int().min(1).max(64) }),
  ])
  .meta({ id: 'ExecControl' });
export type ExecControl = z.infer<typeof execControl>;

export const execMessage = z
  .union([
    z.object({ type: z.enum(['stdout', 'stderr']), data: z.string().describe('In base64') }),
    z.object({ type: z.literal('waiting'), stage: z.string().describe('What does not answer at present') }),
    z.object({
      type: z.literal('started'),
      through: z.enum(['tools', 'agent']).describe('What runs the command: kame-tools or the guest agent'),
    }),
    z.object({
      type: z.literal('taken'),
      bytes: z.int().describe('Bytes of standard input that were taken'),
    }),
    z.object({ type: z.literal('exit'), exitCode: z.int().nullable(), signal: z.int().nullable() }),
    z.object({ type: z.literal('error'), error: errorBody }),
  ])
  .meta({ id: 'ExecMessage' });
export type ExecMessage = z.infer<typeof execMessage>;

export const typeText = z.strictObject({ text: z.string().min(1).max(1000) }).meta({ id: 'TypeText' });
