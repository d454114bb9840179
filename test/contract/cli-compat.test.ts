import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { useTemporaryDirectory } from '../support/temporary-directory.ts';
import { daemon, run as runPlain, useDaemon } from './cli-run.ts';
import { json } from './cli-support.ts';

useDaemon();
const temporary = useTemporaryDirectory();

/** Stand-ins as in a build. */
function makeStandIns(): string {
  const standIns = join(temporary(), 'compat');
  mkdirSync(standIns);
  for (const name of ['vmrun', 'vmware-vmx'])
    writeFileSync(join(standIns, name), '#!/bin/sh\n# Kame’s stand-in.\n');
  return standIns;
}

describe('kame compat', () => {
  it('prints where the stand-ins are', async () => {
    const standIns = makeStandIns();
    expect((await runPlain(['compat', 'path'], { standIns })).stdout).toBe(`${standIns}\n`);
  });

  it('links them, again and after an update, and removes only its own links', async () => {
    const [standIns, older] = [makeStandIns(), makeStandIns()];
    const target = join(temporary(), 'usr/bin');
    const run = async (verb: string, from: string) =>
      await runPlain(['compat', verb, target], { standIns: from });
    expect((await run('install', older)).stdout).toBe(
      `${join(target, 'vmrun')}\n${join(target, 'vmware-vmx')}\n`,
    );
    expect((await run('install', older)).code).toBe(0);
    expect((await run('install', standIns)).code).toBe(0);
    expect(readlinkSync(join(target, 'vmrun'))).toBe(join(standIns, 'vmrun'));
    writeFileSync(join(target, 'ovftool'), 'mine');
    expect((await run('uninstall', standIns)).stdout).toContain(join(target, 'vmware-vmx'));
    expect([existsSync(join(target, 'vmrun')), readFileSync(join(target, 'ovftool'), 'utf8')]).toEqual([
      false,
      'mine',
    ]);
    expect(await run('uninstall', standIns)).toMatchObject({
      code: 0,
      stderr: 'There are no links of Kame.\n',
    });
  });

  it.each([
    ['a file', (path: string) => writeFileSync(path, 'VMware')],
    ['a directory', (path: string) => mkdirSync(path)],
    ['a link to something else', (path: string) => symlinkSync('/bin/true', path)],
    [
      'a link to something of the same name',
      (path: string) => {
        const place = join(temporary(), 'compat');
        mkdirSync(place);
        writeFileSync(join(place, 'vmrun'), '#!/bin/sh\nexec /opt/vmware/vmrun\n');
        symlinkSync(join(place, 'vmrun'), path);
      },
    ],
  ])('never replaces or removes %s', async (_what, put) => {
    const [standIns, target] = [makeStandIns(), temporary()];
    const path = join(target, 'vmrun');
    put(path);
    const { code, stderr } = await runPlain(['compat', 'install', target], { standIns });
    expect(code).toBe(1);
    expect(stderr).toContain(`These files are not Kame’s, and stay as they are: ${path}.`);
    expect(existsSync(join(target, 'vmware-vmx'))).toBe(false);
    await runPlain(['compat', 'uninstall', target], { standIns });
    expect(existsSync(path)).toBe(true);
  });

  it('links files about the networks, which the daemon writes', async () => {
    const files = join(daemon.home, 'compat');
    mkdirSync(join(files, 'vmnet8'), { recursive: true });
    writeFileSync(join(files, 'netmap.conf'), '');
    daemon.on('POST /v1/networks/files', json({ path: files }));
    const target = temporary();
    const options = { standIns: makeStandIns() };
    const { stdout } = await runPlain(['compat', 'networks', target, '--json'], options);
    expect(JSON.parse(stdout)).toEqual({ links: [join(target, 'netmap.conf'), join(target, 'vmnet8')] });
    await runPlain(['compat', 'uninstall', target], options);
    expect([existsSync(join(target, 'vmnet8')), existsSync(join(files, 'vmnet8'))]).toEqual([false, true]);
  });
});

describe('the stand-ins', () => {
  const run = (name: string, ...args: string[]) =>
    execFileSync('/bin/sh', ['-c', `exec 2>&1; exec "$@"`, 'sh', join('compat', name), ...args], {
      encoding: 'utf8',
    });

  it('tell a version in the words that Packer and Vagrant look for, and that they are Kame’s', () => {
    for (const name of ['vmware-vmx', 'vmplayer']) {
      expect(run(name, '-v')).toMatch(
        /^VMware Player (17\.6\.\d+) build-\d+ \(a stand-in of Kame, not VMware\)\n$/u,
      );
      expect(() => run(name)).toThrow(/Command failed/u);
    }
    expect(run('ovftool', '--version')).toMatch(/^VMware ovftool 4\.6\.\d \(build-0\) \(a stand-in of Kame/u);
    expect(() => run('ovftool', 'a.vmx', 'a.ova')).toThrow(/Command failed/u);
  });
});
