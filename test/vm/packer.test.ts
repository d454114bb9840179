import { readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { describe, expect } from 'vitest';
import { homeTest } from '../support/home-test.ts';
import { builtIn, sharedTiny, type TestHome } from '../support/home.ts';

// Debian's Packer builds an image of a machine through vmrun and the stand-ins of Kame. It looks for some files in fixed places,
// which only root can write.

const hasPacker = (await execa('packer', ['version'], { reject: false })).exitCode === 0;
const it = homeTest;
const places = [
  ['install', '/usr/lib/vmware/bin'],
  ['networks', '/etc/vmware'],
] as const;

/** Links what Packer looks for in fixed places, until the end of a test. */
async function compat(home: TestHome): Promise<AsyncDisposable> {
  for (const [verb, place] of places) await home.json('compat', verb, place);
  return {
    [Symbol.asyncDispose]: async () => {
      for (const [, place] of places) await home.json('compat', 'uninstall', place);
    },
  };
}

/** A stopped machine that boots by UEFI, so that all of it is in files that Packer keeps, whose root has a password. */
async function source(home: TestHome): Promise<string> {
  const image = join(sharedTiny('aarch64').outDir, 'disk.qcow2');
  await home.json('create', 'source', '--image', image, '--memory', '256MiB', '--cpus', '1');
  await home.json('start', 'source');
  await home.kame(['guest', 'password', 'source', 'root'], { input: 'secret\n' });
  await home.json('stop', 'source');
  return join(home.path, 'machines/source.vmwarevm/source.vmx');
}

/** What Packer is to do: the guest is changed through vmrun while the build runs. */
function templateOf(vmx: string, output: string): object {
  const image = join(output, 'image.vmx');
  return {
    builders: [
      {
        type: 'vmware-vmx',
        source_path: vmx,
        output_directory: output,
        vm_name: 'image',
        communicator: 'none',
        disable_vnc: true,
        headless: true,
      },
    ],
    provisioners: [
      {
        type: 'shell-local',
        inline: [
          `vmrun getGuestIPAddress ${image} -wait`,
          `vmrun -gu root -gp secret runScriptInGuest ${image} "" "echo built > /root/state; sync"`,
        ],
      },
    ],
  };
}

const isRoot = process.platform === 'linux' && process.getuid?.() === 0;

describe.runIf(isRoot && (hasPacker || process.env['CI'] !== undefined))('Packer', () => {
  it('builds an image from a .vmx, which then runs', { timeout: 300_000 }, async ({ home }) => {
    const vmx = await source(home);
    const [template, output] = [join(home.path, 'image.json'), join(home.path, 'output')];
    await writeFile(template, JSON.stringify(templateOf(vmx, output)));
    await using _links = await compat(home);
    const { stdout, exitCode } = await execa('packer', ['build', '-color=false', template], {
      reject: false,
      cwd: home.path,
      env: {
        ...home.env,
        HOME: home.path,
        CHECKPOINT_DISABLE: '1',
        PATH: `${join(builtIn, 'compat')}:${process.env['PATH'] ?? ''}`,
      },
    });
    expect(exitCode, stdout).toBe(0);
    expect(stdout).toContain(`VM files in directory: ${output}`);
    expect((await readdir(output)).sort()).toEqual(
      expect.arrayContaining(['image.nvram', 'image.vmx', expect.stringMatching(/\.vmdk$/u)]),
    );
    const image = join(output, 'image.vmx');
    expect(await readFile(image, 'utf8')).toMatch(/^displayname = "image"$/imu);
    await home.vmrun('start', image, 'nogui');
    await home.vmrun('getGuestIPAddress', image, '-wait');
    expect(await home.sh(image, 'cat /root/state')).toBe('built\n');
    expect((await home.vmrun('stop', image, 'hard')).code).toBe(0);
  });
});
