import { describe, expect, it } from 'vitest';
import { makeElf } from './fixtures/make-elf.ts';
import { moduleName, modulesAlias, modulesDep, readModule, selectModules } from './modules.ts';

function module(depends: string, ...aliases: string[]): Buffer {
  const records = [...aliases.map((alias) => `alias=${alias}`), `depends=${depends}`, 'vermagic=6.1'];
  return makeElf({ sections: { '.modinfo': `${records.join('\0')}\0` } });
}

const files = new Map<string, Uint8Array>([
  ['kernel/fs/ext4/ext4.ko', module('jbd2,crc16', 'fs-ext4')],
  ['kernel/fs/jbd2/jbd2.ko', module('crc16')],
  ['kernel/lib/crc16.ko', module('')],
  ['kernel/drivers/virtio/virtio-pci.ko', module('', 'pci:v00001AF4d*sv*sd*bc*sc*i*')],
  ['kernel/broken.ko', module('nowhere')],
  ['kernel/circle-a.ko', module('circle-b')],
  ['kernel/circle-b.ko', module('circle-a')],
]);

describe('readModule', () => {
  it('reads name, dependencies and aliases', () => {
    expect(moduleName('kernel/drivers/virtio/virtio-pci.ko')).toBe('virtio_pci');
    expect(
      readModule('kernel/fs/ext4/ext4.ko', files.get('kernel/fs/ext4/ext4.ko') as Uint8Array),
    ).toMatchObject({
      name: 'ext4',
      depends: ['jbd2', 'crc16'],
      aliases: ['fs-ext4'],
    });
  });

  it('rejects a file that is not a module', () => {
    expect(() => readModule('x.ko', makeElf())).toThrow(/no .modinfo/);
    expect(() => readModule('x.ko', Buffer.from('text'))).toThrow(
      expect.objectContaining({ code: 'BAD_IMAGE' }),
    );
  });
});

describe('selectModules', () => {
  it('puts dependencies first, and ignores modules that the kernel does not have', () => {
    const names = selectModules(files, ['ext4', 'virtio_pci', 'built_in']).map((one) => one.name);
    expect(names).toEqual(['crc16', 'jbd2', 'ext4', 'virtio_pci']);
  });

  it('terminates in a cycle, and names a missing dependency', () => {
    expect(selectModules(files, ['circle_a'])).toHaveLength(2);
    expect(() => selectModules(files, ['broken'])).toThrow(/broken needs nowhere/);
  });
});

describe('modulesDep and modulesAlias', () => {
  it('list the dependencies of a module so that they can be loaded from last to first', () => {
    const modules = selectModules(files, ['ext4', 'virtio_pci']);
    expect(modulesDep(modules).split('\n')).toContain(
      'kernel/fs/ext4/ext4.ko: kernel/fs/jbd2/jbd2.ko kernel/lib/crc16.ko',
    );
    expect(modulesAlias(modules)).toBe(
      'alias fs-ext4 ext4\nalias pci:v00001AF4d*sv*sd*bc*sc*i* virtio_pci\n',
    );
  });

  it('terminate in a cycle too', () => {
    expect(modulesDep(selectModules(files, ['circle_a']))).toContain(
      'kernel/circle-a.ko: kernel/circle-b.ko',
    );
  });
});
