import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { ImportedMachine, ImportMachine } from '../../src/api/import.ts';
import { importMachine } from '../../src/vm/import/import.ts';
import { guestAtLogin } from './fake-engine/guest.ts';
import { manifestOf, ovf, tarOf, type OvaFile, type OvfOptions } from './ova.ts';
import { refused, type Refused } from './refused.ts';
import { streamParts, streamVmdk } from './stream-vmdk.ts';
import { quiet, useWorld } from './world.ts';
import { WorldMachine } from './world-machine.ts';

// Appliances that a host without guests imports.

const grain = 64 * 1024;

/** A disk of 64 MiB. At 1 MiB it has the number 7, for `diskHas`. */
export const vmdk = streamVmdk(
  streamParts(
    (64 * 1024 * 1024) / 512,
    new Map([
      [16, Buffer.alloc(grain, 7)],
      [700, Buffer.alloc(grain, 9)],
    ]),
  ),
);

export const text = (name: string, content: string): OvaFile => ({ name, content: Buffer.from(content) });
export const disk: OvaFile = { name: 'web-disk1.vmdk', content: vmdk };
export const descriptor = (options: OvfOptions = {}): OvaFile => text('web.ovf', ovf(options));
export const manifest = (files: readonly OvaFile[], algorithm?: 'sha1' | 'sha256' | 'sha512'): OvaFile => ({
  name: 'web.mf',
  content: manifestOf(files, algorithm),
});

/** A world, and what tests of appliances do in it. */
export function useAppliances() {
  const world = useWorld();
  /** What is in the directory of machines. */
  const machinesMade = (): string[] => {
    const { machines } = world().host.names;
    return existsSync(machines) ? readdirSync(machines) : [];
  };
  /** Writes a file beside which others may be. The small guest shows how fast others are. */
  const place = (name: string, content: Buffer): string => {
    world().engines.guest = guestAtLogin;
    mkdirSync(join(world().home, 'old'), { recursive: true });
    const path = join(world().home, 'old', name);
    writeFileSync(path, content);
    return path;
  };
  const imported = async (
    files: readonly OvaFile[],
    request: Partial<ImportMachine> = {},
  ): Promise<ImportedMachine> =>
    await importMachine(world().host, { path: place('web.ova', tarOf(files)), ...request }, quiet);
  /** The refusal of an import that leaves nothing. */
  const refusal = async (
    files: readonly OvaFile[],
    request: Partial<ImportMachine> = {},
  ): Promise<Refused> => {
    const answer = await refused(imported(files, request));
    expect(machinesMade()).toEqual([]);
    return answer;
  };
  const copyOf = (name: string) => new WorldMachine(world().home, name);
  const diskOf = (name: string) => copyOf(name).file('disk0.qcow2');
  return { world, machinesMade, place, imported, refusal, copyOf, diskOf };
}
