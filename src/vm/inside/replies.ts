import type { GuestFile } from '../../api/guest-files.ts';
import type { GuestProcess } from '../../api/guest-processes.ts';
import { KameError } from '../../core/errors.ts';

/** Checks what a guest says about its files, processes, users and variables. The guest may say anything. */

type Fields = Readonly<Record<string, unknown>>;

const maxText = 8192;
const maxItems = 10_000;
const maxVariables = 10_000;

function senseless(what: string): KameError {
  return new KameError('GUEST_FAILED', `The guest answered with something that makes no sense: ${what}.`);
}

/** An object of which only its own fields are read. */
function fieldsOf(value: unknown, what: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw senseless(`${what} is not an object`);
  return Object.assign(Object.create(null), value) as Fields;
}

function listOf(value: unknown, what: string): readonly unknown[] {
  if (!Array.isArray(value)) throw senseless(`${what} is not a list`);
  if (value.length > maxItems) throw senseless(`${what} is a list of ${value.length} items`);
  return value;
}

function textOf(fields: Fields, key: string): string {
  const value = fields[key];
  if (typeof value !== 'string' || value.length > maxText) throw senseless(`${key} is no text`);
  return value;
}

/** A number that is not negative. */
function numberOf(fields: Fields, key: string): number {
  const value = fields[key];
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0)
    throw senseless(`${key} is no number`);
  return value;
}

/** Milliseconds since 1970, also before. */
function timeOf(fields: Fields, key: string): string {
  const value = fields[key];
  const time = new Date(typeof value === 'number' ? value : Number.NaN);
  if (Number.isNaN(time.getTime())) throw senseless(`${key} is no time`);
  return time.toISOString();
}

const fileTypes = ['file', 'directory', 'link', 'socket', 'pipe', 'block', 'character'] as const;

/** @throws KameError GUEST_FAILED */
export function readFile(value: unknown): GuestFile {
  const fields = fieldsOf(value, 'a file');
  return {
    name: textOf(fields, 'name'),
    type: fileTypes.find((type) => type === fields['type']) ?? 'other',
    sizeBytes: numberOf(fields, 'sizeBytes'),
    mode: numberOf(fields, 'mode'),
    uid: numberOf(fields, 'uid'),
    gid: numberOf(fields, 'gid'),
    user: textOf(fields, 'user'),
    group: textOf(fields, 'group'),
    modified: timeOf(fields, 'modified'),
    target: fields['target'] === undefined ? null : textOf(fields, 'target'),
  };
}

function readProcess(value: unknown): GuestProcess {
  const fields = fieldsOf(value, 'a process');
  return {
    pid: numberOf(fields, 'pid'),
    parent: numberOf(fields, 'parent'),
    uid: numberOf(fields, 'uid'),
    user: textOf(fields, 'user'),
    name: textOf(fields, 'name'),
    command: fields['command'] === null ? null : textOf(fields, 'command'),
    state: textOf(fields, 'state'),
    started: timeOf(fields, 'started'),
    cpuMs: numberOf(fields, 'cpuMs'),
    memoryBytes: numberOf(fields, 'memoryBytes'),
  };
}

/** A list, and whether there is more. @throws KameError GUEST_FAILED */
function readList<T>(
  value: unknown,
  key: string,
  read: (item: unknown) => T,
): { readonly items: T[]; readonly more: boolean } {
  const fields = fieldsOf(value, 'the reply');
  return { items: listOf(fields[key], key).map(read), more: fields['more'] === true };
}

export function readFiles(value: unknown) {
  return readList(value, 'entries', readFile);
}

export function readProcesses(value: unknown) {
  return readList(value, 'processes', readProcess);
}

export interface Account {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
  readonly shell: string;
}

export function readAccounts(value: unknown) {
  return readList<Account>(value, 'accounts', (item) => {
    const fields = fieldsOf(item, 'a user');
    return {
      name: textOf(fields, 'name'),
      uid: numberOf(fields, 'uid'),
      gid: numberOf(fields, 'gid'),
      home: textOf(fields, 'home'),
      shell: textOf(fields, 'shell'),
    };
  });
}

/** @throws KameError GUEST_FAILED */
export function readPath(value: unknown): string {
  return textOf(fieldsOf(value, 'the reply'), 'path');
}

/** Longer than all variables of a command may be in Linux. */
const maxValue = 2 * 1024 * 1024;

/** @throws KameError GUEST_FAILED */
export function readVariables(value: unknown): Record<string, string> {
  const pairs = Object.entries(fieldsOf(fieldsOf(value, 'the reply')['variables'], 'the environment'));
  if (pairs.length > maxVariables) throw senseless(`it has ${pairs.length} variables`);
  for (const [name, text] of pairs)
    if (typeof text !== 'string' || text.length + name.length > maxValue)
      throw senseless('a variable is no text');
  return Object.fromEntries(pairs) as Record<string, string>;
}
