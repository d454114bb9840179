import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { socketPath } from '../../src/sys/home.ts';
import { listenAlone } from '../../src/sys/single-instance.ts';
import { runNames } from '../../src/store/names.ts';
import { stop } from '../../src/vm/power/stop.ts';
import { adoptAll } from '../../src/vm/recovery/adopt.ts';
import { list } from '../../src/vm/running/describe.ts';
import { takeSnapshot } from '../../src/vm/snapshot/snapshots.ts';
import { takeBody } from '../support/bodies.ts';
import { asSecondUser, canBeAnother } from '../support/second-user.ts';
import { quiet, useWorld } from '../support/world.ts';

/** A process of another user of the host, which does what it can. */
describe.runIf(canBeAnother && process.platform === 'linux')('another user', () => {
  const world = useWorld({ ownRam: false });
  let photos = '';
  /** What is in `photos`, with the names that the RAM of the machine would have. */
  let theirs: string[] = [];

  beforeEach(() => {
    // On the same file system as the RAM of guests, and open to everyone.
    photos = mkdtempSync('/dev/shm/photos-');
    chmodSync(photos, 0o755);
    const { vmx } = world().machine();
    const run = basename(runNames(world().host.names, vmx).directory);
    theirs = ['2024.ram', `${run}.ram`, `${run}.taken`].sort();
    for (const name of theirs) writeFileSync(join(photos, name), 'mine');
  });
  afterEach(() => {
    rmSync(photos, { recursive: true });
    rmSync(world().host.names.ram, { recursive: true, force: true });
  });

  const plants = [
    ['a link to a directory of the user', 'ln -s "$2" "$1"'],
    ['a link to nothing', 'ln -s /dev/shm/nothing-there "$1"'],
    ['a directory that everyone can write to', 'mkdir -m 777 "$1" && echo theirs >"$1/01234567.ram"'],
    ['a directory that only they can enter', 'mkdir -m 700 "$1"'],
    ['a named pipe', 'mkfifo -m 666 "$1"'],
    ['a file', 'echo theirs >"$1"'],
  ] as const;

  it.each(plants)(
    'who plants %s in the place of the RAM gains nothing, and the machine runs and stops',
    async (_what, plant) => {
      const { ram } = world().host.names;
      expect(asSecondUser(plant, ram, photos)).toMatchObject({ succeeded: true });
      await adoptAll(await world().replaceHost());
      await world().start();
      await takeSnapshot(world().host, 'demo', takeBody({ label: 'one' }), quiet);
      await adoptAll(await world().replaceHost());
      expect((await list(world().host)).map(({ state }) => state)).toEqual(['running']);
      await stop(world().host, 'demo', { hard: true, timeoutMs: 1000 }, quiet);
      expect((await list(world().host)).map(({ state }) => state)).toEqual(['stopped']);
      expect(readdirSync(photos).sort()).toEqual(theirs);
      // Nothing of ours lies where the other user put something.
      const there = asSecondUser('[ ! -d "$1" ] || [ -L "$1" ] || ls "$1"', ram).output;
      expect(there.replace(/^01234567\.ram\n$/, '')).toBe('');
    },
  );

  it('can neither see, take nor replace the RAM of a guest', async () => {
    const { ram } = world().host.names;
    await world().start();
    const [file] = readdirSync(ram);
    const attempts = [
      'ls "$1"',
      'cat "$1/$2"',
      'mv "$1" "$1.away"',
      'rm -rf "$1"',
      'echo x >"$1/$2"',
      'chmod 777 "$1"',
    ];
    const done = attempts.filter((line) => asSecondUser(line, ram, String(file)).succeeded);
    expect([done, readdirSync(ram)]).toEqual([[], [file]]);
  });

  it('can neither read the home nor connect to anything in it, even if it was open before', async () => {
    const { home } = world();
    chmodSync(home, 0o777);
    await world().start();
    const server = createServer((client) => client.end('let in'));
    onTestFinished(() => void server.close());
    await listenAlone(socketPath(home), async (path) => {
      await new Promise<void>((resolve) => server.listen(path, resolve));
    });
    const files = readdirSync(home, { recursive: true, withFileTypes: true });
    const sockets = files
      .filter((entry) => entry.isSocket())
      .map(({ name, parentPath }) => join(parentPath, name));
    expect(sockets.length).toBeGreaterThan(1);
    const connect = `exec '${process.execPath}' -e "require('net').connect(process.argv[1]).on('connect', () => process.exit(0)).on('error', () => process.exit(1))" "$1"`;
    const inside = files.map(({ name, parentPath }) => join(parentPath, name));
    const got = [
      ...inside.filter((path) => asSecondUser('ls "$1" || cat "$1"', path).succeeded),
      ...sockets.filter((path) => asSecondUser(connect, path).succeeded),
    ];
    expect(got).toEqual([]);
    // What guards the sockets is not only the directory around them.
    chmodSync(home, 0o711);
    expect(sockets.filter((path) => asSecondUser(connect, path).succeeded)).toEqual([]);
  });

  it('who puts files and links into an open bundle gains nothing from root’s machine', async () => {
    const demo = world().machine('open');
    const secret = join(photos, 'secret');
    writeFileSync(secret, 'mine', { mode: 0o600 });
    execFileSync('chmod', ['711', world().home, world().host.names.machines]);
    chmodSync(demo.directory, 0o777);
    for (const name of ['open.log', 'open-serial.log', 'lock', 'operation.json', 'open.vmsd', 'checkpoints'])
      expect(asSecondUser('ln -s "$2" "$1"', demo.file(name), secret).succeeded).toBe(true);
    await world()
      .start('open')
      .catch(() => undefined);
    await takeSnapshot(world().host, 'open', takeBody({ label: 'one' }), quiet).catch(() => undefined);
    await adoptAll(await world().replaceHost());
    expect([readFileSync(secret, 'utf8'), (await list(world().host)).length]).toEqual(['mine', 2]);
  });
});
