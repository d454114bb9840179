import { existsSync, mkdirSync, readFileSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { createHash, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { MachineShares } from '../../src/api/share.ts';
import { poll } from '../../src/core/deadline.ts';
import { Guest } from '../support/guest.ts';
import { guestTest } from '../support/guest-test.ts';
import { useTemporaryDirectory } from '../support/temporary-directory.ts';

const test = guestTest();
const makeDirectory = useTemporaryDirectory();
const address = 'http://127.0.0.1:9843';

/** The output of a command in a guest as soon as it succeeds: the port connects of itself. */
async function soon(demo: Guest, line: string): Promise<string> {
  const look = async () => {
    const { code, stdout } = await demo.exec('sh', '-c', line);
    return code === 0 ? { stdout } : undefined;
  };
  const found = await poll(look, { deadlineMs: 60_000 });
  if (!found) throw new Error(`This did not succeed in ${demo.name}: ${line}`);
  return found.stdout;
}

/** Sends a request with the file /tmp/body, and prints the first line of the answer. */
function put(path: string): string {
  return [
    'rm -f /tmp/pipe; mkfifo /tmp/pipe',
    'nc 127.0.0.1 9843 < /tmp/pipe > /tmp/answer & nc=$!',
    'exec 3> /tmp/pipe',
    `printf 'PUT ${path} HTTP/1.1\\r\\nHost: host\\r\\nContent-Length: %s\\r\\n\\r\\n' "$(stat -c %s /tmp/body)" >&3`,
    'cat /tmp/body >&3',
    'until grep -q "^HTTP" /tmp/answer || ! kill -0 $nc 2> /dev/null; do usleep 50000; done',
    'exec 3>&-; head -n 1 /tmp/answer | tr -d "\\r"',
  ].join('\n');
}

const mount = '/mnt/hgfs';
const hashOf = (data: Buffer) => createHash('sha256').update(data).digest('hex');

test('a folder is shared with a running guest, read and written in it, after a revert and by a clone too', async ({
  home,
  demo,
}) => {
  const work = join(realpathSync(makeDirectory()), 'work');
  mkdirSync(join(work, 'inner'), { recursive: true });
  const large = randomBytes(3_000_000);
  writeFileSync(join(work, 'inner', 'large'), large);
  writeFileSync(join(home.path, 'secret'), 'not for guests');
  symlinkSync(join(home.path, 'secret'), join(work, 'link'));

  const added = await home.json<MachineShares>('share', 'add', 'demo', work, '--name', 'work');
  expect(added.folders).toMatchObject([{ name: 'work', hostPath: work, writable: true, state: 'shared' }]);
  expect(added.mount).toContain('mount -t davfs');
  expect(readFileSync(demo.file('demo.vmx'), 'utf8')).toContain(`sharedFolder0.hostPath = "${work}"`);

  expect(await soon(demo, `wget -q -O - ${address}/work/`)).toBe('inner/\n');
  await demo.sh(`wget -q -O /tmp/body ${address}/work/inner/large`);
  expect(await demo.sh(put('/work/back'))).toBe('HTTP/1.1 201 Created\n');
  expect(readFileSync(join(work, 'back')).equals(large)).toBe(true);
  expect((await demo.exec('wget', '-q', '-O', '-', `${address}/work/link`)).code).not.toBe(0);

  // kame-tools have mounted it. A file is read for longer than the snapshot takes.
  expect(await soon(demo, `ls ${mount}/work`)).toBe('back\ninner\n');
  expect((await home.json<MachineShares>('share', 'list', 'demo')).mounted).toBe(mount);
  expect(await demo.sh(`sha256sum < ${mount}/work/inner/large`)).toBe(`${hashOf(large)}  -\n`);
  await demo.sh(
    `cd ${mount}/work && mkdir new && cp /tmp/body new/one && mv new/one new/two && echo more >> new/two && rm back && mkdir empty && rmdir empty`,
  );
  expect(hashOf(readFileSync(join(work, 'new', 'two')))).toBe(
    hashOf(Buffer.concat([large, Buffer.from('more\n')])),
  );
  expect([existsSync(join(work, 'back')), existsSync(join(work, 'empty'))]).toEqual([false, false]);
  expect((await demo.exec('rmdir', `${mount}/work/new`)).code).not.toBe(0);
  for (const out of ['link', '%2e%2e/secret'])
    expect((await demo.exec('cat', `${mount}/work/${out}`)).code, out).not.toBe(0);
  await demo.sh(
    `(exec 3< ${mount}/work/inner/large; until [ -e /tmp/go ]; do usleep 50000; done; sha256sum <&3 > /tmp/sum) > /dev/null 2>&1 &`,
  );

  // A snapshot is not in the way, and the folder is there after a revert to it, and in a clone.
  await home.json('snapshot', 'take', 'demo', 'shared');
  await demo.sh('touch /tmp/go');
  expect(await soon(demo, 'grep . /tmp/sum')).toBe(`${hashOf(large)}  -\n`);
  await home.json('snapshot', 'revert', 'demo', 'shared');
  await demo.answers();
  expect(await soon(demo, `wget -q -O - ${address}/work/`)).toMatch(/^(new\/\n|inner\/\n){2}$/);
  writeFileSync(join(work, 'inner', 'later'), 'of the host');
  expect(await soon(demo, `cat ${mount}/work/inner/later`)).toBe('of the host');
  // The mount is there again after the process that serves it was killed, and in a machine that was suspended.
  const servers =
    'for each in /proc/[0-9]*; do grep -q "[m]ount-shares" $each/cmdline && echo ${each#/proc/}; done; true';
  const killed = (await demo.sh(servers)).trim();
  await demo.sh(`kill -9 ${killed}`);
  expect(await soon(demo, `cat ${mount}/work/inner/later`)).toBe('of the host');
  expect(await demo.sh(servers)).not.toContain(killed);
  await demo.suspend();
  await demo.start();
  writeFileSync(join(work, 'inner', 'later'), 'of the host, resumed');
  await soon(demo, `grep resumed ${mount}/work/inner/later`);
  await home.json('clone', 'demo', 'copy', '--instant');
  expect(await soon(new Guest(home, 'copy'), `wget -q -O - ${address}/work/inner/`)).toMatch(
    /^(large\n|later\n){2}$/,
  );
  expect(await soon(new Guest(home, 'copy'), `cat ${mount}/work/inner/later`)).toBe('of the host, resumed');

  await home.json('share', 'add', 'demo', work, '--name', 'work', '--read-only');
  expect(await demo.sh(put('/work/refused'))).toBe('HTTP/1.1 403 Forbidden\n');
  expect((await demo.exec('sh', '-c', `echo no > ${mount}/work/refused`)).stderr).toContain(
    'Read-only file system',
  );
  await home.json('share', 'remove', 'demo', 'work');
  await soon(demo, `[ ! -e ${mount}/work ]`);
  expect((await demo.exec('wget', '-q', '-O', '-', `${address}/work/`)).code).not.toBe(0);
});
