import type { ErrorCode } from '../../core/error-kinds.ts';
import { KameError, messageOf } from '../../core/errors.ts';
import { failed, NegativeAnswer, VmrunError } from './vmrun-error.ts';

/** What vmrun prints when it fails, and its exit code. */
export interface Failure {
  /** The line of standard output. */
  readonly line: string;
  /** For people, on standard error: what exactly happened and what to do. */
  readonly notes: readonly string[];
  readonly exitCode: number;
}

/** Texts for the codes of failures in the guest; VIX's own, as far as it has one. */
const guestReasons: Readonly<Record<string, string>> = {
  noSuchFile: 'A file was not found',
  exists: 'The file already exists',
  denied: 'You do not have access rights to this file',
  notDirectory: 'The object is not a directory',
  isDirectory: 'The object is not a file',
  readOnly: 'The file is write-protected',
  noSpace: 'An error occurred while writing a file; the disk is full.',
  noSuchProcess: 'No such process',
  noSuchUser: 'Invalid user name or password for the guest OS',
};

const cannotOpen = (vmx: string, why: string): string => `Cannot open VM: ${vmx}, ${why}`;
const withoutTools = (vmx: string): string =>
  `The VMware Tools are not running in the virtual machine: ${vmx}`;
const notFound = 'The virtual machine cannot be found';

function wrongState({ details, message }: KameError, vmx: string): string {
  const { state } = details;
  if (state === 'running' || state === 'paused')
    return 'The virtual machine should not be powered on. It is already running.';
  return state === undefined ? message : `The virtual machine is not powered on: ${vmx}`;
}

function snapshotText({ details, message }: KameError): string {
  return message.includes(' could mean ')
    ? 'The name does not uniquely identify one snapshot'
    : `Invalid snapshot name '${String(details['snapshot'])}'`;
}

/** The words of VIX for the errors of Kame. Those that are missing are told in Kame's words. */
const texts: Partial<Record<ErrorCode, (error: KameError, vmx: string) => string>> = {
  NO_SUCH_MACHINE: (_, vmx) => cannotOpen(vmx, notFound),
  BROKEN_MACHINE: (_, vmx) => cannotOpen(vmx, 'Cannot read the virtual machine configuration file'),
  WRONG_STATE: wrongState,
  NO_SUCH_SNAPSHOT: snapshotText,
  BUSY: () => 'The file is already in use',
  OUTSIDE_FILES: () => 'Insufficient permissions in the host operating system',
  GUEST_AGENT_MISSING: (_, vmx) => withoutTools(vmx),
  GUEST_TOOLS_MISSING: (_, vmx) => withoutTools(vmx),
  GUEST_FAILED: ({ details, message }) => guestReasons[String(details['reason'])] ?? message,
  DISK_FULL: () => 'An error occurred while writing a file; the disk is full.',
  DAEMON_UNREACHABLE: () => 'Unable to connect to the host',
  ENGINE_MISSING: () => 'The virtual machine could not start',
  ENGINE_TOO_OLD: () => 'The virtual machine could not start',
  ENGINE_FAILED: () => 'The virtual machine could not start',
  CANCELLED: () => 'The operation was canceled',
};

/** What vmrun prints for an error. @param vmx the machine as the command line names it */
export function failureOf(error: unknown, vmx: string): Failure {
  if (error instanceof NegativeAnswer) return { line: error.message, notes: [], exitCode: error.exitCode };
  if (error instanceof VmrunError) {
    return {
      line: `Error: ${error.message}`,
      notes: error.next === '' ? [] : [error.next],
      exitCode: failed,
    };
  }
  const known = error instanceof KameError ? error : new KameError('INTERNAL', messageOf(error));
  const text = texts[known.code]?.(known, vmx) ?? known.message;
  const notes = [...(text === known.message ? [] : [known.message]), known.next];
  return { line: `Error: ${text}`, notes: notes.filter((note) => note !== ''), exitCode: failed };
}
