import { chmodSync, readdirSync, readFileSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { recordedCapabilities, recordedReplies, recordedSchema } from '../../../test/support/plan-inputs.ts';
import { useTemporaryDirectory } from '../../../test/support/temporary-directory.ts';
import { SchemaIndex } from '../qmp/schema.ts';
import { engineKey, probeCached } from './cache.ts';
import { hasDevice, supports, versionText } from './capabilities.ts';
import { findEngine, findQemuImg } from './find-engine.ts';
import { probe } from './probe.ts';
import { capabilitiesFrom } from './replies.ts';
import { schemaHas } from './schema-path.ts';

const directory = useTemporaryDirectory();

/** A program that acts as a QEMU on its standard input and output, and counts how often it is started. */
function fakeEngine(folder: string, body: string): string {
  const path = join(folder, 'qemu-system-aarch64');
  writeFileSync(
    path,
    `#!${process.execPath}\nrequire('fs').appendFileSync(${JSON.stringify(join(folder, 'starts'))}, 'x');\n${body}\n`,
  );
  chmodSync(path, 0o755);
  return path;
}

const answering = (version: object, answers: object): string => `
const answers = ${JSON.stringify(answers)};
console.log(JSON.stringify({ QMP: { version: { qemu: ${JSON.stringify(version)}, package: 'fake' }, capabilities: [] } }));
require('readline').createInterface({ input: process.stdin }).on('line', (line) => {
  const { execute, id } = JSON.parse(line);
  console.log(JSON.stringify({ return: answers[execute] ?? {}, id }));
});`;

const smallAnswers = {
  'query-version': { qemu: { major: 8, minor: 1, micro: 2 }, package: 'fake' },
  'query-target': { arch: 'aarch64' },
  'query-kvm': { present: false, enabled: false },
  'query-machines': [{ name: 'virt-8.1', 'cpu-max': 512, deprecated: false }],
  'query-cpu-definitions': [{ name: 'max' }],
  'query-command-line-options': [{ option: 'sandbox', parameters: [] }],
  'qom-list-types': [{ name: 'tcg-accel' }, { name: 'max-arm-cpu' }],
  'qom-list-properties': [{ name: 'pauth-impdef' }],
  'query-qmp-schema': [],
};

describe('capabilities of recorded engines', () => {
  it('match the known features of the versions', () => {
    const old = recordedCapabilities('7.2', 'aarch64');
    const recent = recordedCapabilities('10.0', 'aarch64');
    expect(versionText(old)).toMatch(/^7\.2\.\d+$/);
    expect(old.accelerators).toEqual(['tcg']);
    expect(old.memoryBackends).toContain('memory-backend-memfd');
    expect(old.flags).toEqual([
      'pauth-impdef',
      'lpa2',
      'sandbox',
      'panic-action',
      'message-timestamp',
      'netdev-stream',
      'migrate-ignore-shared',
    ]);
    expect(recent.flags.filter((flag) => !old.flags.includes(flag))).toEqual([
      'hvf-gicv3',
      'migrate-mapped-ram',
      'memory-rom',
    ]);
    expect(supports(recent, 'hvf-gicv3')).toBe(true);
  });

  it('have the devices and accelerators of the architecture', () => {
    const intel = recordedCapabilities('10.0', 'x86_64');
    expect(intel.accelerators).toEqual(['kvm', 'tcg']);
    expect(hasDevice(intel, 'vmgenid')).toBe(true);
    expect(hasDevice(recordedCapabilities('10.0', 'aarch64'), 'vmgenid')).toBe(false);
    expect(intel.machines.find((machine) => machine.alias === 'q35')?.name).toBe('pc-q35-10.0');
  });

  it('reject another architecture', () => {
    const replies = { ...recordedReplies('7.2', 'aarch64'), arch: 'riscv64' };
    expect(() => capabilitiesFrom('/q', replies, [])).toThrow('emulates riscv64');
  });
});

describe('schemaHas', () => {
  const index = new SchemaIndex(recordedSchema('7.2', 'x86_64'));
  it.each([
    ['blockdev-add', true],
    ['no-such-command', false],
    ['blockdev-add/arg-type/+qcow2/backing', true],
    ['blockdev-add/arg-type/+qcow2/*backing', true],
    ['blockdev-add/arg-type/+nosuch', false],
    ['blockdev-add/arg-type/driver/^qcow2', true],
    ['blockdev-add/arg-type/driver/^nosuch', false],
    ['blockdev-add/arg-type/driver/^qcow2/deeper', false],
    ['blockdev-add/nonsense/x', false],
    ['screendump/arg-type/filename', true],
    ['screendump/arg-type/*filename', false],
    ['query-block/ret-type/[]/device', true],
    ['SHUTDOWN/arg-type/reason/^guest-reset', true],
  ])('%s: %s', (path, expected) => {
    expect(schemaHas(index, path)).toBe(expected);
  });
});

describe('probing', () => {
  it('queries the installed engine', async () => {
    const binary = await findEngine('aarch64', { env: process.env, os: 'linux' });
    const found = await probe(binary);
    expect(found.binary).toBe(binary);
    expect(found.arch).toBe('aarch64');
    expect(found.devices).toContain('virtio-blk-pci');
    expect(supports(found, 'pauth-impdef')).toBe(true);
  });

  it('rejects an engine that is too old', async () => {
    const binary = fakeEngine(directory(), answering({ major: 6, minor: 2, micro: 0 }, {}));
    await expect(probe(binary)).rejects.toMatchObject({
      code: 'ENGINE_TOO_OLD',
      message: `${binary} is QEMU 6.2.0; Kame requires 7.2 or newer.`,
    });
  });

  it('reports the last output of an engine that ends', async () => {
    const binary = fakeEngine(
      directory(),
      `console.error('libfoo.so: cannot open'); process.exitCode = 127;`,
    );
    await expect(probe(binary)).rejects.toMatchObject({ code: 'ENGINE_FAILED' });
    await expect(probe(binary)).rejects.toThrow('could not be probed');
  });

  it('fails when the program does not exist', async () => {
    await expect(probe('/nonexistent/qemu')).rejects.toMatchObject({ code: 'ENGINE_MISSING' });
  });

  it('can be cancelled', async () => {
    const binary = fakeEngine(directory(), 'setInterval(() => {}, 1000);');
    const cancel = new AbortController();
    const probing = probe(binary, { signal: cancel.signal });
    cancel.abort();
    await expect(probing).rejects.toMatchObject({ code: 'CANCELLED' });
  });
});

describe('the cache of capabilities', () => {
  const starts = (folder: string): number => readFileSync(join(folder, 'starts'), 'utf8').length;

  it('probes each build once', async () => {
    const folder = directory();
    const cache = join(folder, 'cache');
    const binary = fakeEngine(folder, answering({ major: 8, minor: 1, micro: 2 }, smallAnswers));
    const first = await probeCached(binary, cache);
    expect(await probeCached(binary, cache)).toEqual(first);
    expect(starts(folder)).toBe(1);
    expect(first.flags).toContain('pauth-impdef');

    utimesSync(binary, 1, 1);
    await probeCached(binary, cache);
    expect(starts(folder)).toBe(2);
    await probeCached(binary, cache, { fresh: true });
    expect(starts(folder)).toBe(3);
  });

  it.each([
    ['is not JSON', (): string => 'x'],
    ['is cut short', (text: string): string => text.slice(0, 200)],
    ['holds nonsense', (text: string): string => text.replace('"tcg"', '"warp"')],
    ['is of another format', (text: string): string => text.replace('"format":2', '"format":0')],
  ])('probes again when it %s', async (_name, damage) => {
    const folder = directory();
    const cache = join(folder, 'cache');
    const binary = fakeEngine(folder, answering({ major: 8, minor: 1, micro: 2 }, smallAnswers));
    const first = await probeCached(binary, cache);
    const file = join(cache, readdirSync(cache)[0] ?? '');
    const intact = readFileSync(file, 'utf8');
    writeFileSync(file, damage(intact));
    expect(await probeCached(binary, cache)).toEqual(first);
    expect(starts(folder)).toBe(2);
    expect(readFileSync(file, 'utf8')).toBe(intact);
  });

  it('has no key for an engine that no longer exists', async () => {
    await expect(engineKey('/nonexistent/qemu')).rejects.toMatchObject({ code: 'ENGINE_MISSING' });
  });
});

describe('finding engines', () => {
  it('prefers the program named in the environment, then the directory, then PATH', async () => {
    const [first, second] = [directory(), directory()];
    const engine = fakeEngine(first, '');
    fakeEngine(second, '');
    symlinkSync(engine, join(first, 'mine'));
    const mine = join(first, 'mine');
    expect(
      await findEngine('aarch64', { os: 'linux', env: { KAME_QEMU_AARCH64: mine, KAME_QEMU_DIR: second } }),
    ).toBe(mine);
    expect(await findEngine('aarch64', { os: 'linux', env: { KAME_QEMU_DIR: second, PATH: first } })).toBe(
      join(second, 'qemu-system-aarch64'),
    );
    expect(
      await findEngine('aarch64', { os: 'linux', env: { PATH: `relative:/nonexistent:${first}` } }),
    ).toBe(engine);
  });

  it('names the places it searched', async () => {
    await expect(
      findEngine('x86_64', { os: 'darwin', env: { KAME_QEMU_DIR: '/nonexistent' } }),
    ).rejects.toMatchObject({
      code: 'ENGINE_MISSING',
      message: 'qemu-system-x86_64 was not found in /nonexistent/qemu-system-x86_64.',
    });
    await expect(
      findEngine('aarch64', { os: 'linux', env: { KAME_QEMU_AARCH64: '/etc/passwd' } }),
    ).rejects.toThrow('KAME_QEMU_AARCH64 is /etc/passwd, which is not a program');
    await expect(findQemuImg({ os: 'linux', env: { KAME_QEMU_DIR: '/nonexistent' } })).rejects.toThrow(
      'qemu-img was not found',
    );
  });
});
