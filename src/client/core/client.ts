import { routes, type Calls } from '../../api/generated/routes.ts';
import type {
  CaptureEnd,
  CaptureRequest,
  ClipboardStatus,
  ExecRequest,
  GetClipboard,
  Image,
  ImportedMachine,
  ImportReport,
  ImportStream,
  RecordSound,
  SetClipboard,
  SoundEnd,
  UploadImage,
} from '../../api/generated/shapes.ts';
import { ndjson } from '../../api/protocol.ts';
import { parametersOf, type Route } from '../../api/route.ts';
import { bodyOf, chunksOf } from './answer.ts';
import { capture, type CaptureStreams } from './capture-channel.ts';
import {
  getClipboard,
  setClipboard,
  watchClipboard,
  type ClipboardContent,
  type ClipboardReader,
  type ClipboardWriter,
} from './clipboard-channel.ts';
import { dropFiles, getFiles, putFiles, type FileChannels } from './file-channels.ts';
import { Connection, type RequestParts } from './connection.ts';
import type { ClipboardCalls, ImageCalls, MachineCalls, NicCalls, Resources } from './generated/resources.ts';
import {
  execute,
  openConsole,
  type ConsoleConnection,
  type ExecEnd,
  type ExecStreams,
} from './guest-channels.ts';
import { importStream, type ImportStreams } from './import-channel.ts';
import { readJsonLines } from './ndjson.ts';
import type { CallOptions, TaskOptions } from './options.ts';
import { openScreen, type ScreenConnection } from './screen-channel.ts';
import { recordSound, type SoundStreams } from './sound-channel.ts';
import type { Transport } from './transport.ts';
import { uploadImage, type UploadStreams } from './upload-channel.ts';

/** Connections to the guest of a machine. */
export interface GuestChannels {
  /** Connects to the serial console, which reads and writes bytes. */
  console(machine: string, options?: CallOptions): Promise<ConsoleConnection>;
  /** Connects to the screen, by the protocol RFB. */
  screen(machine: string, options?: CallOptions): Promise<ScreenConnection>;
  /** Runs a command in the guest. */
  exec(machine: string, request: ExecRequest, streams: ExecStreams): Promise<ExecEnd>;
  /** Records what the guest plays, until the signal. */
  sound(machine: string, request: RecordSound, streams: SoundStreams): Promise<SoundEnd>;
}

/** The frames of a network adapter. */
export interface NicChannels {
  /** Captures them as a pcap file, until the signal. */
  capture(machine: string, request: CaptureRequest, streams: CaptureStreams): Promise<CaptureEnd>;
}

/** Appliances of the client. */
export interface ImportChannels {
  /** Sends an OVA, of which the daemon makes a machine while it comes. A dry run ends after its descriptor. */
  importStream(request: ImportStream, streams: ImportStreams): Promise<ImportedMachine | ImportReport>;
}

/** Image files of the client. */
export interface ImageChannels {
  /** Sends a disk image or an ISO to the images of the daemon, from where an earlier upload of it ended. */
  upload(request: UploadImage, streams: UploadStreams): Promise<Image>;
}

/** The content of the clipboard of a guest. */
export interface ClipboardChannels {
  /** Reads it. */
  get(machine: string, request: GetClipboard, reader: ClipboardReader): Promise<ClipboardContent>;
  /** Replaces it; the size of the content in bytes. */
  set(machine: string, request: SetClipboard, writer: ClipboardWriter): Promise<number>;
  /** What is on it, now and after each change. */
  watch(machine: string, options?: CallOptions): AsyncIterable<ClipboardStatus>;
}

/**
 * The daemon's API. A machine is referred to by its name, its id or the path of its `.vmx`; a snapshot by its label, its path
 * such as `/a/b`, or `#` and its uid; a disk by its slot or its file name. Every call throws KameError.
 */
export interface Client extends Resources, AsyncDisposable {
  readonly machines: MachineCalls & GuestChannels & ImportChannels;
  readonly nics: NicCalls & NicChannels;
  readonly clipboard: ClipboardCalls & ClipboardChannels;
  readonly files: FileChannels;
  readonly images: ImageCalls & ImageChannels;
  /** Calls any operation by its name. */
  call<N extends keyof Calls>(
    name: N,
    request: Calls[N]['request'],
    options?: TaskOptions,
  ): Calls[N]['answer'];
  /** Closes all open connections, which cancels their operations. Machines keep running. */
  [Symbol.asyncDispose](): Promise<void>;
}

async function* streamed(
  connection: Connection,
  route: Route,
  request: RequestParts,
  options: CallOptions,
): AsyncGenerator<unknown, void> {
  const answer = await connection.send(route, request, { ...options, accept: route.contentType ?? '*/*' });
  const chunks = chunksOf(answer, options.signal);
  try {
    if (route.contentType === ndjson) yield* readJsonLines(chunks);
    else yield* chunks;
  } finally {
    answer.discard();
  }
}

async function whole(
  connection: Connection,
  route: Route,
  request: RequestParts,
  options: CallOptions,
): Promise<Uint8Array> {
  const answer = await connection.send(route, request, { ...options, accept: route.contentType ?? '*/*' });
  return await bodyOf(answer, options.signal);
}

/** Sends a request of any kind except a WebSocket. The kind determines the type of the result. */
function perform(connection: Connection, route: Route, request: RequestParts, options: TaskOptions): unknown {
  if (route.kind === 'stream') return streamed(connection, route, request, options);
  if (route.kind === 'task') return connection.task(route, request, options);
  if (route.kind === 'bytes') return whole(connection, route, request, options);
  return connection.json(route, request, { signal: options.signal });
}

/** Builds a request from the arguments of a method: path parameters, then query or body, then options. */
function fromArguments(route: Route, given: readonly unknown[]): [RequestParts, TaskOptions] {
  const names = parametersOf(route.path);
  const params = Object.fromEntries(names.map((name, index) => [name, given[index] as string]));
  const [first, second] = given.slice(names.length);
  const options = (route.takes ? second : first) as TaskOptions | undefined;
  return [{ params, ...(route.takes ? { [route.takes]: first } : {}) }, options ?? {}];
}

type Method = (...given: unknown[]) => unknown;

/** A method for each route, grouped by resource, as the generated Resources describe them. */
function resourcesOf(connection: Connection): Resources {
  const resources: Record<string, Record<string, Method>> = {};
  for (const [name, route] of Object.entries<Route>(routes)) {
    if (route.kind === 'websocket') continue;
    const [resource = '', verb = ''] = name.split('.');
    const methods = (resources[resource] ??= {});
    methods[verb] = (...given) => perform(connection, route, ...fromArguments(route, given));
  }
  return resources as unknown as Resources;
}

/** A client of the API over any transport. */
export function createClient(transport: Transport): Client {
  const connection = new Connection(transport);
  const resources = resourcesOf(connection);
  return {
    ...resources,
    machines: {
      ...resources.machines,
      importStream: async (request, streams) => await importStream(connection, request, streams),
      console: async (machine, options = {}) => await openConsole(connection, machine, options),
      screen: async (machine, options = {}) => await openScreen(connection, machine, options),
      exec: async (machine, request, streams) => await execute(connection, machine, request, streams),
      sound: async (machine, request, streams) => await recordSound(connection, machine, request, streams),
    },
    nics: {
      ...resources.nics,
      capture: async (machine, request, streams) => await capture(connection, machine, request, streams),
    },
    clipboard: {
      ...resources.clipboard,
      get: async (machine, request, reader) => await getClipboard(connection, machine, request, reader),
      set: async (machine, request, writer) => await setClipboard(connection, machine, request, writer),
      watch: (machine, options = {}) => watchClipboard(connection, machine, options),
    },
    images: {
      ...resources.images,
      upload: async (request, streams) => await uploadImage(connection, request, streams),
    },
    files: {
      put: async (machine, request, streams) => await putFiles(connection, machine, request, streams),
      get: async (machine, request, streams) => await getFiles(connection, machine, request, streams),
      drop: async (machine, streams) => await dropFiles(connection, machine, streams),
    },
    call: (name, request, options = {}) =>
      perform(connection, routes[name], request as RequestParts, options) as never,
    [Symbol.asyncDispose]: async () => {
      connection.close();
      await Promise.resolve();
    },
  };
}
