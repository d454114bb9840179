import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { silentProgress, type ProgressReport } from '../../core/progress.ts';
import { mirrorAddress, openArchive, type DebianArchive } from './archive.ts';
import { makeKey, publish, serve, sha256, type Served, type TestKey } from './fixtures/signed-archive.ts';

const tool = { name: 'tool', data: Buffer.from('the package') };
let key: TestKey;
let served: Served;
let cacheDir: string;

beforeAll(async () => {
  key = await makeKey('Test archive');
});
beforeEach(async () => {
  served = await serve();
  cacheDir = await mkdtemp(join(tmpdir(), 'kame-archive-'));
});
afterEach(async () => {
  await served.close();
  await rm(cacheDir, { recursive: true, force: true });
});

function open(progress = silentProgress()): Promise<DebianArchive> {
  return openArchive({ arch: 'arm64', cacheDir, progress, mirror: served.url, keys: [key.public] });
}

async function fetchTool(archive: DebianArchive): Promise<Buffer | undefined> {
  const found = archive.index.get('tool');
  return found && (await archive.fetchPackages([found]))[0];
}

describe('openArchive', () => {
  it('fetches a package through the chain of hashes, and caches it by hash', async () => {
    await publish(served, key, [tool]);
    const archive = await open();
    expect(archive.release.version).toBe('12.99');
    expect((await fetchTool(archive))?.toString()).toBe('the package');
    expect(await readdir(cacheDir)).toContain(sha256(tool.data));
    served.files.delete('/pool/main/tool_1.0-1_arm64.deb');
    expect((await fetchTool(archive))?.toString()).toBe('the package');
  });

  it('reports bytes', async () => {
    await publish(served, key, [tool]);
    const reports: ProgressReport[] = [];
    const progress = {
      signal: new AbortController().signal,
      report: (one: ProgressReport) => reports.push(one),
    };
    await fetchTool(await open(progress));
    expect(reports.at(-1)).toEqual({ stage: 'Debian packages', done: 11, total: 11, unit: 'bytes' });
  });

  it('rejects a package that does not match the index, and keeps nothing of it', async () => {
    await publish(served, key, [tool]);
    served.files.set('/pool/main/tool_1.0-1_arm64.deb', Buffer.from('the packagf'));
    await expect(fetchTool(await open())).rejects.toMatchObject({ code: 'CHECKSUM_MISMATCH' });
    expect(await readdir(cacheDir)).not.toContain(sha256(tool.data));
  });

  it('fetches a package again if its cached file is damaged', async () => {
    await publish(served, key, [tool]);
    await writeFile(join(cacheDir, sha256(tool.data)), 'something');
    expect((await fetchTool(await open()))?.toString()).toBe('the package');
  });

  it('rejects an index that does not match its signed hash', async () => {
    await publish(served, key, [tool]);
    for (const [path, data] of served.files) {
      if (path.includes('by-hash')) served.files.set(path, Buffer.alloc(data.length));
    }
    await expect(open()).rejects.toMatchObject({ code: 'CHECKSUM_MISMATCH' });
  });

  it('rejects another signer, another suite, and an archive without the architecture', async () => {
    await publish(served, await makeKey('Somebody else'), [tool]);
    await expect(open()).rejects.toMatchObject({ code: 'CHECKSUM_MISMATCH' });
    await publish(served, key, [tool], { Codename: 'sid' });
    await expect(open()).rejects.toThrow(/not to bookworm/);
    await publish(served, key, [tool]);
    const amd64 = openArchive({
      arch: 'amd64',
      cacheDir,
      progress: silentProgress(),
      mirror: served.url,
      keys: [key.public],
    });
    await expect(amd64).rejects.toMatchObject({ code: 'BAD_IMAGE' });
  });
});

describe('mirrorAddress', () => {
  it('prefers the option, then the environment, then Debian', () => {
    expect(mirrorAddress('https://mirror.example/debian/', { KAME_DEBIAN_MIRROR: 'http://other' })).toBe(
      'https://mirror.example/debian',
    );
    expect(mirrorAddress(undefined, { KAME_DEBIAN_MIRROR: 'http://other' })).toBe('http://other');
    expect(mirrorAddress(undefined, {})).toBe('http://deb.debian.org/debian');
  });

  it.each(['', 'ftp://x/', 'file:///etc', 'debian'])('refuses "%s"', (text) => {
    expect(() => mirrorAddress(text)).toThrow(expect.objectContaining({ code: 'INVALID_VALUE' }));
  });
});
