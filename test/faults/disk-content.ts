import { createHash, type Hash } from 'node:crypto';
import { open, stat } from 'node:fs/promises';
import { run } from '../../src/sys/process.ts';

/** The files of a disk from the top, as the image program finds them. */
export interface Chain {
  readonly files: readonly { readonly path: string; readonly format: string }[];
  /** Changes with any of the files. */
  readonly key: string;
}

interface Info {
  readonly filename: string;
  readonly format: string;
}

interface Extent {
  readonly start: number;
  readonly length: number;
  readonly depth: number;
  readonly zero: boolean;
  readonly data: boolean;
  readonly offset?: number;
}

const blockBytes = 4096;
const pieceBytes = 1024 * 1024;
const zeros = Buffer.alloc(blockBytes);

/** Standard output of the image program as JSON. */
async function qemuImg<T>(...args: string[]): Promise<T> {
  const { exitCode, stdout, stderr } = await run('qemu-img', args, { timeoutMs: 60_000 });
  if (exitCode !== 0) throw new Error(`qemu-img ${args.join(' ')} ended with ${exitCode}: ${stderr}`);
  return JSON.parse(stdout) as T;
}

/** What tells whether a file was changed. */
export async function stampOf(path: string): Promise<string> {
  const { ino, size, mtimeNs } = await stat(path, { bigint: true });
  return `${ino}:${size}:${mtimeNs}`;
}

export async function chainOf(top: string): Promise<Chain> {
  const infos = await qemuImg<Info[]>('info', '--backing-chain', '-U', '--output=json', top);
  const files = infos.map(({ filename, format }) => ({ path: filename, format }));
  const stamps = await Promise.all(files.map(async ({ path }) => `${path}=${await stampOf(path)}`));
  return { files, key: stamps.join('\n') };
}

/** Adds the blocks of a piece that hold anything, each with its place on the disk. */
function addPiece(hash: Hash, piece: Buffer, start: number): void {
  for (let at = 0; at < piece.length; at += blockBytes) {
    const block = piece.subarray(at, at + blockBytes);
    if (!block.equals(zeros.subarray(0, block.length))) hash.update(String(start + at)).update(block);
  }
}

/** A checksum of what a guest sees of a disk that nobody writes to. Zeros count as what was never written. */
export async function diskHash({ files }: Chain): Promise<string> {
  const [top] = files;
  if (!top) throw new Error('A disk without files.');
  const extents = await qemuImg<Extent[]>('map', '--output=json', '-U', '-f', top.format, top.path);
  const layers = await Promise.all(files.map(async ({ path }) => await open(path, 'r')));
  const hash = createHash('sha1');
  const piece = Buffer.alloc(pieceBytes);
  try {
    for (const { start, length, depth, data, zero, offset } of extents) {
      if (!data || zero) continue;
      if (offset === undefined) throw new Error(`${top.path} has compressed clusters.`);
      for (let at = 0; at < length; at += pieceBytes) {
        const wanted = Math.min(pieceBytes, length - at);
        const { bytesRead } = await layers[depth]!.read(piece, 0, wanted, offset + at);
        addPiece(hash, piece.subarray(0, bytesRead), start + at);
      }
    }
    return hash.digest('hex');
  } finally {
    await Promise.all(layers.map(async (file) => await file.close()));
  }
}

/** What is wrong with one layer; undefined when nothing is. Takes no lock: nobody may write to it. */
export async function checkLayer(path: string): Promise<string | undefined> {
  const { exitCode, stdout, stderr } = await run('qemu-img', ['check', '-U', '-f', 'qcow2', path], {
    timeoutMs: 60_000,
  });
  return exitCode === 0 ? undefined : `qemu-img check ${path} ended with ${exitCode}: ${stdout}${stderr}`;
}
