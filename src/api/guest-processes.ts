import * as z from 'zod';
import { guestUser } from './guest-files.ts';
import { guestScript } from './messages.ts';

/** Shapes of the processes and the environment of a guest. */

export const guestProcess = z
  .object({
    pid: z.int(),
    parent: z.int(),
    uid: z.int(),
    user: z.string(),
    name: z.string(),
    command: z
      .string()
      .nullable()
      .describe('Its first 1,000 bytes; empty for threads of the kernel, null through the guest agent'),
    state: z.string().describe('A letter, as in proc(5): R runs, S sleeps, Z has ended, …'),
    started: z.string().describe('ISO 8601'),
    cpuMs: z.int(),
    memoryBytes: z.int().describe('In memory at present'),
  })
  .meta({ id: 'GuestProcess' });
export type GuestProcess = z.infer<typeof guestProcess>;

export const guestProcesses = z
  .object({
    processes: z.array(guestProcess),
    more: z.boolean().describe('Whether there are more: at most 10,000 are listed'),
  })
  .meta({ id: 'GuestProcesses' });
export type GuestProcesses = z.infer<typeof guestProcesses>;

export const startInGuest = z
  .strictObject({
    command: z.array(z.string().max(131_072)).min(1).max(4096),
    script: guestScript.optional(),
    env: z.record(z.string(), z.string()).optional(),
    user: guestUser.optional(),
    cwd: z.string().min(1).max(4096).optional().describe('Needs kame-tools'),
  })
  .refine(({ command }) => command[0] !== '', { error: 'The command is empty.' })
  .meta({ id: 'StartInGuest' });
export type StartInGuest = z.output<typeof startInGuest>;

export const startedInGuest = z
  .object({
    pid: z.int(),
    through: z.enum(['tools', 'agent']).describe('What has started it: kame-tools or the guest agent'),
  })
  .meta({ id: 'StartedInGuest' });
export type StartedInGuest = z.infer<typeof startedInGuest>;

const lastSignal = 64;
const usualSignal = 15;

export const killInGuest = z
  .strictObject({
    pid: z.int().min(1).max(0x7fff_ffff),
    signal: z.int().min(1).max(lastSignal).default(usualSignal).describe('Number of a signal in Linux'),
    user: guestUser.optional(),
  })
  .meta({ id: 'KillInGuest' });
export type KillInGuest = z.output<typeof killInGuest>;

export const guestEnvironment = z
  .object({ variables: z.record(z.string(), z.string()) })
  .meta({ id: 'GuestEnvironment' });
export type GuestEnvironment = z.infer<typeof guestEnvironment>;

export const ofUser = z.strictObject({ user: guestUser.optional() });

export const setGuestVariable = z
  .strictObject({
    name: z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,254}$/u),
    value: z
      .string()
      .max(32_768)
      .refine((text) => !text.includes('\0'), { error: 'It cannot contain NUL' })
      .nullable()
      .describe('null removes it'),
  })
  .meta({ id: 'SetGuestVariable' });
export type SetGuestVariable = z.output<typeof setGuestVariable>;
