import { readFileSync, rmSync } from 'node:fs';
import type { Layer } from '../../src/disk/chain.ts';
import { layerNodes } from '../../src/qemu/plan/layers.ts';
import { qemuImg } from './qemu-img.ts';
import { runProgram } from './run-program.ts';

/** Runs work while the engine's storage daemon has a disk open, by the nodes of a launch plan. @param work gets its URL */
function withDisk<T>(top: Layer, scratch: string, work: (url: string) => T): T {
  const [socket, pid] = [`${scratch}.sock`, `${scratch}.pid`];
  const nodes = layerNodes(top, 'disk', { writable: false, os: 'linux' });
  runProgram('qemu-storage-daemon', [
    ...nodes.flatMap((node) => ['--blockdev', JSON.stringify(node)]),
    ...[
      '--nbd-server',
      `addr.type=unix,addr.path=${socket}`,
      '--export',
      'nbd,id=e,node-name=disk,name=disk',
    ],
    ...['--pidfile', pid, '--daemonize'],
  ]);
  try {
    return work(`nbd+unix:///disk?socket=${socket}`);
  } finally {
    process.kill(Number(readFileSync(pid, 'utf8')));
    rmSync(socket, { force: true });
  }
}

/** What `qemu-img compare` says of a disk as the engine shows it, and of a raw file. @param scratch a path without a file */
export function compareInEngine(top: Layer, raw: string, scratch: string): string {
  return withDisk(top, scratch, (url) => qemuImg('compare', '-f', 'raw', '-F', 'raw', url, raw));
}
