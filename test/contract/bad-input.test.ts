import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import type { MachineDetails } from '../../src/api/machine.ts';
import { refusal } from '../support/refusal.ts';
import { unharmedHome as it } from '../support/joined-home.ts';

// No guest boots here. Whatever is refused leaves nothing behind.

describe('a name', () => {
  const invalid: readonly (readonly [string, RegExp])[] = [
    ['a/b', /"a\/b" contains "\/", which is not allowed/],
    ['../up', /does not start with a letter or digit/],
    ['..', /does not start with a letter or digit/],
    ['a..b', /contains two dots in a row/],
    ['-dash', /starts with a dash/],
    ['a'.repeat(300), /has 300 characters; at most 80/],
    ['tab\there', /contains a control character/],
    ['bell\u0007', /contains a control character/],
    ['over\u202Eride', /contains a control character/],
    ['', /is empty/],
    ['nul', /device name/],
  ];

  it('is refused with what is wrong with it', async ({ home }) => {
    for (const [name, message] of invalid)
      expect(await home.kame(['create', '--', name])).toEqual(refusal(2, message));
    expect(await home.kame(['rename', 'demo', '../up'])).toEqual(
      refusal(2, /does not start with a letter or digit/),
    );
    expect(await home.kame(['image', 'import', '/dev/null', '--name', '../up'])).toEqual(
      refusal(2, /does not start with a letter or/),
    );
    const { stderr } = await home.kame(['create', '--json', '--', 'a/b']);
    expect(JSON.parse(stderr)).toMatchObject({ code: 'INVALID_NAME' });
    // Without the two dashes it is taken as an option, and refused as one.
    expect(await home.kame(['create', '-dash'])).toEqual(refusal(2, /Unknown option/));
    // A message never passes on what would act on a terminal.
    expect((await home.kame(['create', '--', 'bell\u0007'])).stderr).not.toContain('\u0007');
  });
});

describe('numbers', () => {
  it.for<readonly [string, string, RegExp]>([
    ['--memory', '1MiB', /memory is 1 MiB; it must be 64 MiB to .*, the memory of this host/],
    ['--memory', '10TiB', /memory is 10 TiB; it must be 64 MiB to .*, the memory of this host/],
    ['--memory', 'lots', /--memory is "lots", which is not a size/],
    ['--memory', '-1GiB', /--memory is "-1GiB", which is not a size/],
    ['--cpus', '0', /--cpus is "0", which is not a whole number from 1/],
    ['--cpus', '1000', /--cpus is "1000", which is not a whole number from 1 to/],
    ['--cpus', '33', /"33".*whole number from 1 to 32/],
    ['--disk', '1KiB', /disk is 1 KiB; it must be 1 MiB to 64 TiB/],
    ['--disk', '65TiB', /disk is 65 TiB; it must be 1 MiB to 64 TiB/],
    ['--disk', '0', /disk is 0 B; it must be 1 MiB to 64 TiB/],
    ['--disk', '10MiB', /cannot be shrunk to 10 MiB/],
  ])('%s %s is refused', async ([option, value, message], { home }) => {
    expect(await home.kame(['create', 'x', option, value])).toEqual(refusal(2, message));
  });
});

describe('kame set', () => {
  it.for<readonly [string, RegExp]>([
    ['cpu=4', /"cpu" is not a setting\. Did you mean cpus\?/],
    ['numvcpu=4', /"numvcpu" is not a setting\. Did you mean numvcpus\?/],
    ['firmwar=efi', /Did you mean firmware\?/],
    ['memory=2', /memory is "2", without a unit/],
    ['memory=1MiB', /memsize is "1"; it must be a multiple of 4 from 64/],
    ['memory=10TiB', /memsize is "10485760"; it must be/],
    ['cpus=0', /numvcpus is "0"; it must be a whole number from 1 to 32/],
    ['cpus=two', /cpus is "two"; it must be 1 to 32/],
    ['accelerator=kvmm', /accelerator is "kvmm"; it must be auto, kvm, hvf or tcg/],
    ['firmware=bios', /firmware is "bios"; it must be efi for an ARM guest/],
    ['kame.boot.commandLine=a\nb', /kame\.boot\.commandLine/],
    ['uuid.bios=00', /uuid\.bios cannot be set: it is the machine’s identity/],
    ['displayName=x', /displayName cannot be set.*kame rename/],
    ['__proto__=x', /"__proto__" is not a setting/],
    ['nonsense', /is malformed: it must be key=value/],
    ['=5', /is malformed: it must be key=value/],
  ])('%j is refused, and nothing is changed', async ([pair, message], { home }) => {
    const { path } = await home.json<MachineDetails>('show', 'demo');
    const before = await readFile(path);
    expect(await home.kame(['set', 'demo', 'notes=changed', pair])).toEqual(refusal(2, message));
    expect(await readFile(path)).toEqual(before);
  });

  it('sets an unknown key, and suggests the one that may have been meant', async ({ home }) => {
    const { problems } = await home.json<MachineDetails>('set', 'demo', 'ethernet0.conectionType=nat');
    expect(problems).toContainEqual({
      severity: 'warning',
      key: 'ethernet0.conectionType',
      message: 'ethernet0.conectionType is not a known key. Did you mean ethernet0.connectionType?',
    });
    await home.json('set', 'demo', 'ethernet0.conectionType=');
  });
});

describe('unknown words', () => {
  it.for<readonly [readonly string[], number, RegExp]>([
    [['start', 'dmo'], 3, /There is no machine dmo\. Did you mean demo\?/],
    [['show', 'nothing-like-it'], 3, /There is no machine nothing-like-it\.\n/],
    [['exec', 'dmo', '--', 'true'], 3, /Did you mean demo\?/],
    [['delete', 'dmo', '--yes'], 3, /Did you mean demo\?/],
    [['strat', 'demo'], 2, /Did you mean start\?/],
    [['frobnicate'], 2, /Unknown command 'frobnicate'/],
    [['list', '--jsn'], 2, /Did you mean --json\?/],
    [['show'], 2, /Missing required argument/],
    [['start', 'demo', '--wait', 'forever'], 2, /forever/],
    [['create', 'x', '--arch', 'sparc'], 2, /sparc/],
  ])('%j ends with %i', async ([args, code, message], { home }) => {
    expect(await home.kame(args)).toEqual(refusal(code, message));
  });

  it('a stopped machine is not stopped again', async ({ home }) => {
    expect(await home.kame(['stop', 'demo'])).toEqual(refusal(4, /demo is not running: it is stopped/));
    expect(await home.kame(['pause', 'demo'])).toEqual(refusal(4, /demo is not running/));
    expect(await home.kame(['exec', 'demo', '--', 'true'])).toEqual(refusal(4, /demo is not running/));
    expect(await home.kame(['screenshot', 'demo', join(home.path, 'x.png')])).toEqual(
      refusal(4, /demo is not running/),
    );
  });
});
