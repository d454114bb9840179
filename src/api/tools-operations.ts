import * as z from 'zod';
import type { OperationTable } from './operation.ts';
import { machineParams } from './parameters.ts';

const guestAgent = z
  .object({
    name: z.enum(['qemu-guest-agent', 'kame-tools', 'kame-tools-session', 'spice-vdagent']),
    answers: z.boolean(),
    version: z.string().nullable().describe('null if it does not answer, or does not tell'),
    adds: z.string().describe('What it adds'),
    reaches: z
      .string()
      .nullable()
      .describe('Of kame-tools in the session of a desktop: what they reach, and by which protocols'),
    install: z
      .string()
      .nullable()
      .describe('The command that installs it; null if it answers, or if none is known'),
    installOn: z.enum(['guest', 'host']).describe('Where to run that command'),
  })
  .meta({ id: 'GuestAgent' });

export const guestTools = z
  .object({
    machine: z.string(),
    system: z.string().nullable().describe('The system of the guest, if it tells'),
    agents: z.array(guestAgent),
    note: z.string().nullable().describe('Why none of them can answer at present'),
  })
  .meta({ id: 'GuestTools' });
export type GuestTools = z.infer<typeof guestTools>;
export type GuestAgentState = z.infer<typeof guestAgent>;

export const installedTools = z
  .object({ machine: z.string(), version: z.string().describe('Version of kame-tools that answers now') })
  .meta({ id: 'InstalledTools' });
export type InstalledTools = z.infer<typeof installedTools>;

/** The agents in the guest of a machine. */
export const toolsOperations = {
  'tools.show': {
    method: 'GET',
    path: '/machines/{machine}/tools',
    role: 'viewer',
    kind: 'json',
    slow: true,
    summary: 'List the agents that answer in the guest',
    params: machineParams,
    result: guestTools,
  },
  'tools.install': {
    method: 'POST',
    path: '/machines/{machine}/tools',
    role: 'operator',
    kind: 'task',
    verb: 'tools install',
    summary: 'Install or update kame-tools in the guest',
    description:
      'Needs the guest agent, and systemd or OpenRC in the guest. kame-tools then start with the guest, and with each session of its desktop.',
    params: machineParams,
    result: installedTools,
  },
} as const satisfies OperationTable;
