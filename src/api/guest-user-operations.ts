import * as z from 'zod';
import { done } from './messages.ts';
import type { OperationTable } from './operation.ts';
import { machineParams } from './parameters.ts';

/** Users of the guest, and whether its file systems can be made quiet. */

const account = z
  .object({
    name: z.string(),
    uid: z.int(),
    gid: z.int(),
    home: z.string(),
    shell: z.string(),
    loggedInSince: z
      .string()
      .nullable()
      .describe('ISO 8601, of the first session; null if the user is not logged in or nobody can tell'),
  })
  .meta({ id: 'GuestAccount' });
export type GuestAccount = z.infer<typeof account>;

export const guestUsers = z
  .object({
    users: z.array(account).describe('Those of /etc/passwd'),
    more: z.boolean().describe('Whether there are more: at most 10,000 are listed'),
  })
  .meta({ id: 'GuestUsers' });
export type GuestUsers = z.infer<typeof guestUsers>;

/** What no user's name has in Linux would end a line or a field of its files. */
const name = z
  .string()
  .regex(/^[^\0-\u0020:/\u007f]{1,256}$/u)
  .meta({ description: 'The name of a user of the guest', examples: ['alice'] });
const userParams = machineParams.extend({ user: name });

const password = z
  .string()
  .min(1)
  .max(1024)
  .refine((text) => !/[\0\r\n]/u.test(text), { error: 'It cannot contain NUL or a line break' });

export const checkGuestPassword = z.strictObject({ password }).meta({ id: 'CheckGuestPassword' });
export type CheckGuestPassword = z.output<typeof checkGuestPassword>;

export const checkedPassword = z
  .object({
    valid: z.boolean().describe('False also for a user who does not exist or cannot log in by password'),
  })
  .meta({ id: 'CheckedPassword' });
export type CheckedPassword = z.infer<typeof checkedPassword>;

export const setGuestPassword = z
  .strictObject({
    password,
    crypted: z.boolean().default(false).describe('It is a hash, as in /etc/shadow'),
  })
  .meta({ id: 'SetGuestPassword' });
export type SetGuestPassword = z.output<typeof setGuestPassword>;

const sshKey = z
  .string()
  .min(1)
  .max(16_384)
  .refine((text) => !/[\0\r\n]/u.test(text), { error: 'A key is one line' });

export const guestSshKeys = z
  .object({ keys: z.array(z.string()).describe('Lines of authorized_keys') })
  .meta({ id: 'GuestSshKeys' });
export type GuestSshKeys = z.infer<typeof guestSshKeys>;

export const addGuestSshKeys = z
  .strictObject({
    keys: z.array(sshKey).min(1).max(100),
    replace: z.boolean().default(false).describe('Remove all others'),
  })
  .meta({ id: 'AddGuestSshKeys' });
export const removeGuestSshKeys = z
  .strictObject({ keys: z.array(sshKey).min(1).max(100) })
  .meta({ id: 'RemoveGuestSshKeys' });
export type AddGuestSshKeys = z.output<typeof addGuestSshKeys>;
export type RemoveGuestSshKeys = z.output<typeof removeGuestSshKeys>;

const hook = z
  .object({
    name: z.string(),
    action: z.enum(['freeze', 'thaw']),
    status: z.int().nullable().describe('Its exit status; null if it did not end'),
    output: z.string().describe('What it said'),
  })
  .meta({ id: 'QuiesceHook' });
export type QuiesceHook = z.infer<typeof hook>;

export const quiesced = z
  .object({
    fileSystems: z.int().describe('How many were frozen'),
    frozenMs: z.number().describe('For how long nothing in the guest could write'),
    hooks: z
      .array(hook)
      .nullable()
      .describe('What the hooks said; null if the guest keeps no log of them that can be read'),
  })
  .meta({ id: 'Quiesced' });
export type Quiesced = z.infer<typeof quiesced>;

export const guestUserOperations = {
  'guestUsers.list': {
    method: 'GET',
    path: '/machines/{machine}/guest/users',
    role: 'operator',
    kind: 'json',
    slow: true,
    summary: 'List the users of the guest',
    params: machineParams,
    result: guestUsers,
  },
  'guestUsers.setPassword': {
    method: 'PUT',
    path: '/machines/{machine}/guest/users/{user}/password',
    role: 'operator',
    kind: 'json',
    slow: true,
    summary: 'Set the password of a user of the guest',
    description: 'Needs the guest agent.',
    params: userParams,
    body: setGuestPassword,
    result: done,
    example: { body: { password: 'correct horse battery staple' } },
  },
  'guestUsers.checkPassword': {
    method: 'POST',
    path: '/machines/{machine}/guest/users/{user}/check-password',
    role: 'operator',
    kind: 'json',
    slow: true,
    summary: 'Check the password of a user of the guest',
    params: userParams,
    body: checkGuestPassword,
    result: checkedPassword,
    example: { body: { password: 'correct horse battery staple' } },
  },
  'guestUsers.sshKeys': {
    method: 'GET',
    path: '/machines/{machine}/guest/users/{user}/ssh-keys',
    role: 'operator',
    kind: 'json',
    slow: true,
    summary: 'List the SSH keys that let a user of the guest in',
    description: 'Needs the guest agent.',
    params: userParams,
    result: guestSshKeys,
  },
  'guestUsers.addSshKeys': {
    method: 'POST',
    path: '/machines/{machine}/guest/users/{user}/ssh-keys',
    role: 'operator',
    kind: 'json',
    slow: true,
    summary: 'Add SSH keys that let a user of the guest in',
    description: 'Needs the guest agent.',
    params: userParams,
    body: addGuestSshKeys,
    result: guestSshKeys,
    example: { body: { keys: ['ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDemo alice@host'] } },
  },
  'guestUsers.removeSshKeys': {
    method: 'POST',
    path: '/machines/{machine}/guest/users/{user}/ssh-keys/remove',
    role: 'operator',
    kind: 'json',
    slow: true,
    summary: 'Remove SSH keys that let a user of the guest in',
    description: 'Needs the guest agent.',
    params: userParams,
    body: removeGuestSshKeys,
    result: guestSshKeys,
    example: { body: { keys: ['ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDemo alice@host'] } },
  },
  'machines.quiesce': {
    method: 'POST',
    path: '/machines/{machine}/guest/quiesce',
    role: 'operator',
    kind: 'task',
    verb: 'guest quiesce',
    summary: 'Freeze and thaw the file systems of the guest',
    description:
      'Does what a snapshot with quiesce does to the guest, without a snapshot, and returns what the hooks of its agent said. ' +
      'A hook that fails when it is to freeze prevents it.',
    params: machineParams,
    result: quiesced,
  },
} as const satisfies OperationTable;
