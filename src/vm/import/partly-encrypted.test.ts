import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { guestAtLogin } from '../../../test/support/fake-engine/guest.ts';
import { quiet, useWorld } from '../../../test/support/world.ts';
import { WorldMachine } from '../../../test/support/world-machine.ts';
import { importMachine, reportImport } from './import.ts';

const world = useWorld();

/** A machine as Fusion leaves a Windows 11 guest: the disks are plain, a part of the `.vmx` is not. */
function partlyEncrypted(): string {
  world().engines.guest = guestAtLogin;
  const { directory } = world().machine('demo');
  const lines = [
    'vmx.encryptionType = "partial"',
    'encryption.keySafe = "vmware:key/list/(pair/(phrase/x))"',
    'encryption.data = "AAAA"',
    'firmware = "efi"',
    'vtpm.present = "TRUE"',
    'checkpoint.vmState = "demo.vmss"',
  ];
  appendFileSync(join(directory, 'demo.vmx'), `${lines.join('\n')}\n`);
  return directory;
}

describe('a partly encrypted machine', () => {
  it('is imported without its password, and what is lost comes first', async () => {
    const path = partlyEncrypted();
    const [first = '', second = '', ...others] = (
      await reportImport(world().host, { path, name: 'web' }, quiet)
    ).notes;
    for (const word of ['TPM', 'EFI variables', 'suspended state', 'BitLocker', 'recovery key'])
      expect(first).toContain(word);
    expect(second).toMatch(/decrypt the machine in VMware/);
    expect(others.join(' ')).toMatch(/suspended \(demo\.vmss\)/);
    await importMachine(world().host, { path, name: 'web' }, quiet);
    expect(new WorldMachine(world().home, 'web').read('web.vmx')).not.toMatch(/encryption/i);
    await world().start('web');
  });
});
