import type { Commands } from '../qmp/generated/protocol.ts';
import type { DiskSource, HostFacts, MappedPart } from './types.ts';

type BlockNode = Commands['blockdev-add']['arguments'];

const readOnly = { 'read-only': true, cache: { direct: false, 'no-flush': false } } as const;

function fileNode(node: string, filename: string, locking: 'on' | 'auto'): BlockNode {
  return { driver: 'file', 'node-name': node, filename, locking, ...readOnly };
}

/** A range of a file, in bytes. */
function rangeNode(node: string, file: string, offset: number, size: number): BlockNode {
  return { driver: 'raw', 'node-name': node, file, offset, size, ...readOnly };
}

function qcow2Node(node: string, file: string, backing: string | null): BlockNode {
  return { driver: 'qcow2', 'node-name': node, file, backing, ...readOnly };
}

/**
 * The nodes of one part, which is a qcow2 whose data are in a file of another program: the overlay on that file, whose content
 * is the file with the tables of the qcow2 around it; and the qcow2 in there.
 */
function partNodes(
  { at, bytes, path, offset, length }: MappedPart,
  names: { readonly node: string; readonly prefix: string; readonly index: number },
  backing: string | null,
): BlockNode[] {
  const { node, prefix, index } = names;
  const name = (letter: string): string => `${prefix}-${letter}${index}`;
  return [
    // A file system without locks may hold what is only read.
    fileNode(name('f'), path, 'auto'),
    rangeNode(name('o'), name('f'), offset, length),
    rangeNode(name('m'), `${prefix}-file`, at, bytes),
    qcow2Node(name('w'), name('m'), name('o')),
    qcow2Node(node, name('w'), backing),
  ];
}

/**
 * The block nodes of a disk that is used in place, from the bottom up. All are read only. The engine sees raw and qcow2, with
 * each file given here: no header names one.
 * @param node the name of the top one; that of the file of the layer is `NODE-file`, as for every layer
 */
export function mappedNodes({ path, map }: DiskSource, node: string, os: HostFacts['os']): BlockNode[] {
  const parts = map?.parts ?? [];
  const nameOf = (index: number): string => (index === 0 ? node : `${node}-p${index}`);
  const nodes = parts.map((part, index) => {
    const backing = index + 1 < parts.length ? nameOf(index + 1) : null;
    return partNodes(part, { node: nameOf(index), prefix: node, index }, backing);
  });
  return [fileNode(`${node}-file`, path, os === 'linux' ? 'on' : 'auto'), ...nodes.reverse().flat()];
}
