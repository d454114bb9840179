import { KameError } from '../../core/errors.ts';
import type { ControlQueue } from './control-queue.ts';

/** Commands of a virtio display (virtio 1.2, 5.7.6) and its responses. */
const commands = {
  attachBacking: 0x0106,
  capsetInfo: 0x0108,
  capset: 0x0109,
  createContext: 0x0200,
  attachResource: 0x0202,
  createResource: 0x0204,
  fromHost: 0x0206,
  submit: 0x0207,
} as const;
const responses = { done: 0x1100, capsetInfo: 0x1102, capset: 0x1103 } as const;
const headBytes = 24;
/** The sets of capabilities: OpenGL by virgl, and Vulkan by Venus. */
export const capsets = { virgl: 2, venus: 4 } as const;
/** No device has so many sets. */
const maxCapsets = 16;
const maxCapsetBytes = 16 * 1024;

/** Where virgl_caps_v2 (virgl_hw.h of virglrenderer) has the version of GLSL, and the name of the renderer. */
const caps = { glslLevel: 264, renderer: 696, rendererBytes: 64 } as const;

/** What renders on the host. */
export interface Renderer {
  /** As OpenGL on the host names it, such as `LLVMPIPE (LLVM 15.0.6, 256 bits)`. */
  readonly name: string;
  /** The newest OpenGL for guests, such as `4.3`. */
  readonly openGl: string;
}

function words(...values: number[]): Buffer {
  const data = Buffer.alloc(values.length * 4);
  for (const [index, value] of values.entries()) data.writeUInt32LE(value >>> 0, index * 4);
  return data;
}

function request(type: number, context: number, ...body: Buffer[]): Buffer {
  // type, flags, fence (two words), context, ring
  return Buffer.concat([words(type, 0, 0, 0, context, 0), ...body]);
}

async function ask(queue: ControlQueue, what: Buffer, expected: number, bytes = 0): Promise<Buffer> {
  const response = await queue.command(what, headBytes + bytes);
  const type = response.readUInt32LE(0);
  if (type !== expected) {
    const said = `The display answers 0x${type.toString(16)} to the command 0x${what.readUInt32LE(0).toString(16)}.`;
    throw new KameError('ENGINE_FAILED', said);
  }
  return response.subarray(headBytes);
}

export interface Capset {
  readonly id: number;
  readonly version: number;
  readonly bytes: number;
}

/** The sets of capabilities that the display has. @throws KameError ENGINE_FAILED, ENGINE_TIMEOUT, CANCELLED */
export async function capsetsOf(queue: ControlQueue): Promise<Capset[]> {
  const found: Capset[] = [];
  for (let index = 0; index < maxCapsets; index += 1) {
    const info = await ask(queue, request(commands.capsetInfo, 0, words(index, 0)), responses.capsetInfo, 16);
    const [id, version, bytes] = [0, 4, 8].map((at) => info.readUInt32LE(at)) as [number, number, number];
    // A display answers with zeros after the last one.
    if (bytes === 0) break;
    found.push({ id, version, bytes: Math.min(bytes, maxCapsetBytes) });
  }
  return found;
}

/** The newest OpenGL that has a version of GLSL, which has the same number from 3.30 on. */
function openGlOf(glslLevel: number): string {
  const older: Record<number, string> = { 150: '3.2', 140: '3.1', 130: '3.0' };
  if (glslLevel >= 330) return `${Math.floor(glslLevel / 100)}.${Math.floor((glslLevel % 100) / 10)}`;
  return older[glslLevel] ?? '2.1';
}

/** Reads who renders from the capabilities of virgl. @throws KameError ENGINE_FAILED when they are shorter than these fields */
export function rendererFrom(data: Buffer): Renderer {
  const end = caps.renderer + caps.rendererBytes;
  if (data.length < end)
    throw new KameError('ENGINE_FAILED', 'virglrenderer is too old to name its renderer.');
  const name = data.toString('latin1', caps.renderer, end).split('\0', 1)[0] as string;
  const printable = name.replaceAll(/[^\u0020-\u007E]/g, '?').trim();
  return { name: printable || 'without a name', openGl: openGlOf(data.readUInt32LE(caps.glslLevel)) };
}

/** Asks the display who renders. @throws KameError ENGINE_FAILED, ENGINE_TIMEOUT, CANCELLED */
export async function rendererOf(queue: ControlQueue, sets: readonly Capset[]): Promise<Renderer> {
  const set = sets.find(({ id }) => id === capsets.virgl);
  if (!set) throw new KameError('ENGINE_FAILED', 'The display has no OpenGL by virgl.');
  const wanted = request(commands.capset, 0, words(set.id, set.version));
  return rendererFrom(await ask(queue, wanted, responses.capset, set.bytes));
}

/** Has the display make a context of a set of capabilities. @throws KameError ENGINE_FAILED, ENGINE_TIMEOUT, CANCELLED */
export async function createContext(queue: ControlQueue, context: number, capset = 0): Promise<void> {
  await ask(
    queue,
    request(commands.createContext, context, words(0, capset), Buffer.alloc(64)),
    responses.done,
  );
}

const side = 8;
/** A colour and the bytes of its pixels: blue, green, red, alpha. */
const colour = { red: 0.2, green: 0.4, blue: 0.6, alpha: 1, pixel: [153, 102, 51, 255] } as const;
/** Names of virgl and Gallium: a texture of two dimensions, which is rendered to, of pixels of four bytes. */
const [texture2d, bgra8, renderTarget] = [2, 1, 2];
const [context, resource, surface] = [1, 1, 1];

/** The head of a command of virgl: what it does, to which kind of object, and how many words follow. */
function virgl(command: number, object: number, ...body: Buffer[]): Buffer {
  const content = Buffer.concat(body);
  return Buffer.concat([words(command + object * 0x100 + (content.length / 4) * 0x1_0000), content]);
}

/** Commands of virgl that make a surface of the texture, and fill it. */
function fillCommands(): Buffer {
  const values = Buffer.alloc(24);
  for (const [index, value] of [colour.red, colour.green, colour.blue, colour.alpha].entries())
    values.writeFloatLE(value, index * 4);
  const createSurface = virgl(1, 8, words(surface, resource, bgra8, 0, 0));
  const renderToIt = virgl(5, 0, words(1, 0, surface));
  const clearColour = 4;
  return Buffer.concat([createSurface, renderToIt, virgl(7, 0, words(clearColour), values, words(0))]);
}

/** Renders a square in one colour, and looks at its pixels. @throws KameError ENGINE_FAILED, ENGINE_TIMEOUT, CANCELLED */
export async function render(queue: ControlQueue): Promise<void> {
  const memory = queue.freeRam;
  const bytes = side * side * 4;
  const send = async (type: number, ...body: Buffer[]) =>
    await ask(queue, request(type, context, ...body), responses.done);
  await createContext(queue, context);
  const size = [side, side, 1, 1, 0, 0, 0, 0];
  await send(commands.createResource, words(resource, texture2d, bgra8, renderTarget, ...size));
  await send(commands.attachBacking, words(resource, 1, memory, 0, bytes, 0));
  await send(commands.attachResource, words(resource, 0));
  const fill = fillCommands();
  await send(commands.submit, words(fill.length, 0), fill);
  await send(commands.fromHost, words(0, 0, 0, side, side, 1, 0, 0, resource, 0, 0, 0));
  const pixels = await queue.read(memory, bytes);
  const same = pixels.every((value, at) => Math.abs(value - (colour.pixel[at % 4] as number)) <= 1);
  if (!same) throw new KameError('ENGINE_FAILED', 'The renderer did not fill a square with its colour.');
}
