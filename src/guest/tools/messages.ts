import { messageOf } from '../../core/errors.ts';
import { parseJson } from '../../core/json.ts';
import { cleanText, isObject } from '../agent/reply.ts';
import { violation } from './frames.ts';

/** The version of the protocol that this host speaks. */
export const protocolVersion = 1;

/** What kame-tools says about itself and its guest. */
export interface ToolsHello {
  readonly version: number;
  /** Version of the program. */
  readonly program: string;
  readonly hostname: string;
  /** Changes whenever the guest boots. */
  readonly bootId: string;
  readonly services: readonly string[];
  /** The directory of the guest in which shared folders are mounted when there are some. */
  readonly sharesAt?: string;
  /** Of the helper in a session: the protocol by which it reaches the clipboard. */
  readonly clipboard?: string;
  /** Of the helper in a session: the protocol by which it changes the size of the display. */
  readonly outputs?: string;
}

/** How a command has ended: one of the two is a number. */
export interface ToolsResult {
  readonly exitCode: number | null;
  readonly signal: number | null;
  /** Of a command that nobody waits for: the number of its process. */
  readonly pid?: number;
}

/** Why a request was refused. */
export interface ToolsFailure {
  readonly code: string;
  readonly message: string;
}

/** The size of a terminal, in characters. */
export interface TerminalSize {
  readonly rows: number;
  readonly columns: number;
}

/** A command to run; without words, the shell of the user as at a login. */
export interface ToolsCommand {
  readonly command: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Default: root. */
  readonly user?: string;
  readonly stdin: boolean;
  readonly terminal?: TerminalSize & { readonly type: string };
  /** A file for the command, whose path follows its words, and then what follows that. */
  readonly script?: { readonly text: string; readonly arguments: readonly string[] };
  /** Whether nobody waits for its end: it has no input and no output, and outlives the connection. */
  readonly detached?: boolean;
}

/** An operation of the service `operate` with what it needs; see docs/tools-protocol.md. */
export interface ToolsOperation {
  readonly operation: string;
  readonly user?: string;
  readonly [argument: string]: string | number | boolean | null | undefined | readonly object[];
}

/** A request to the helper in a session; see docs/tools-protocol.md. */
export interface SessionRequest {
  readonly type?: string;
  readonly contents?: readonly { readonly type: string; readonly size: number }[];
  readonly width?: number;
  readonly height?: number;
  readonly name?: string;
  readonly size?: number;
}

export type ToolsRequest = ToolsCommand | ToolsOperation | SessionRequest;

const limits = { maxDepth: 4, maxValues: 200 };
const maxText = 4096;
const maxNumber = 255;

function objectIn(payload: Buffer, what: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = parseJson(payload.toString('utf8'), limits);
  } catch (error) {
    throw violation(`${what} is not JSON (${messageOf(error)})`);
  }
  if (!isObject(value)) throw violation(`${what} is not an object`);
  return Object.assign(Object.create(null), value) as Readonly<Record<string, unknown>>;
}

/** Text for people, without control and direction characters. */
function textOf(value: unknown, what: string): string {
  if (typeof value !== 'string' || value.length > maxText) throw violation(`${what} is no text`);
  return cleanText(value, maxText);
}

/** @throws KameError GUEST_FAILED when it is malformed */
export function readHello(payload: Buffer): ToolsHello {
  const hello = objectIn(payload, 'its hello');
  const { version, services, sharesAt, clipboard, outputs } = hello;
  if (!Number.isSafeInteger(version)) throw violation('its hello has no version');
  if (!Array.isArray(services)) throw violation('its hello has no services');
  return {
    version: Number(version),
    program: textOf(hello['program'], 'its version'),
    hostname: textOf(hello['hostname'], 'its host name'),
    bootId: textOf(hello['bootId'], 'its boot id'),
    services: services.map((service) => textOf(service, 'a service')),
    ...(sharesAt === undefined ? {} : { sharesAt: textOf(sharesAt, 'the place of shared folders') }),
    ...(clipboard === undefined ? {} : { clipboard: textOf(clipboard, 'the protocol of the clipboard') }),
    ...(outputs === undefined ? {} : { outputs: textOf(outputs, 'the protocol of the display') }),
  };
}

function numberOrNull(value: unknown): number | null {
  if (value === null || value === undefined) return null;
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > maxNumber)
    throw violation('an exit status is no number');
  return value;
}

/** @throws KameError GUEST_FAILED when it is malformed */
export function readResult(payload: Buffer): ToolsResult {
  const result = objectIn(payload, 'a result');
  const [exitCode, signal] = [numberOrNull(result['exitCode']), numberOrNull(result['signal'])];
  if ((exitCode === null) === (signal === null))
    throw violation('a result is neither an exit code nor a signal');
  const { pid } = result;
  if (pid === undefined) return { exitCode, signal };
  if (!Number.isSafeInteger(pid) || Number(pid) < 1) throw violation('the number of a process is none');
  return { exitCode, signal, pid: Number(pid) };
}

/** @throws KameError GUEST_FAILED when it is malformed */
export function readFailure(payload: Buffer): ToolsFailure {
  const failure = objectIn(payload, 'a refusal');
  return { code: textOf(failure['code'], 'a code'), message: textOf(failure['message'], 'a message') };
}
