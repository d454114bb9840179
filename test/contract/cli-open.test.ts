import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { daemon, run, useDaemon } from './cli-run.ts';
import { json } from './cli-support.ts';

useDaemon();

const opened = { address: 'http://127.0.0.1:4000/#ticket', until: '2026-11-29T07:00:00.000Z' };

it('prints the address of the web desktop, and nothing else', async () => {
  daemon.on('POST /v1/web', json(opened));
  expect(await run(['open', '--print'])).toMatchObject({
    code: 0,
    stdout: `${opened.address}\n`,
    stderr: '',
  });
  expect(JSON.parse((await run(['open', '--json'])).stdout)).toEqual(opened);
});

it('prints the address where there is no display', async () => {
  daemon.on('POST /v1/web', json(opened));
  const { code, stdout, stderr } = await run(['open'], { env: { PATH: '/usr/bin' } });
  expect({ code, stdout }).toEqual({ code: 0, stdout: `${opened.address}\n` });
  expect(stderr).toContain('Open this address in a browser');
});

it('opens the address in a browser, and does not print it', async () => {
  daemon.on('POST /v1/web', json(opened));
  const directory = join(daemon.home, 'bin');
  mkdirSync(directory);
  const program = join(directory, 'xdg-open');
  writeFileSync(
    program,
    `#!/bin/sh\necho "$1" > "${program}.part" && /bin/mv "${program}.part" "${program}.opened"\n`,
    {
      mode: 0o755,
    },
  );
  const { code, stdout } = await run(['open'], {
    env: { PATH: directory, DISPLAY: ':0' },
  });
  expect({ code, stdout }).toEqual({ code: 0, stdout: 'The web desktop is open in your browser.\n' });
  const written = () => {
    try {
      return readFileSync(`${program}.opened`, 'utf8');
    } catch {
      return '';
    }
  };
  await expect.poll(written).toBe(`${opened.address}\n`);
});
