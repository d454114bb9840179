import { describe, expect, it } from 'vitest';
import { bodies, daemon, result, run, useDaemon } from './cli-run.ts';
import { json } from './cli-support.ts';

useDaemon();

const path = '/v1/machines/demo/resolution';
const wanted = { width: 1366, height: 768 };

describe('resolution', () => {
  it('prints the present one', async () => {
    daemon.on(`GET ${path}`, json({ width: 1280, height: 800 }));
    expect(await run(['resolution', 'demo'])).toMatchObject({ code: 0, stdout: '1280x800\n', stderr: '' });
    expect(JSON.parse((await run(['resolution', 'demo', '--json'])).stdout)).toEqual({
      width: 1280,
      height: 800,
    });
  });

  it('changes it, and prints the one that the display has then', async () => {
    daemon.on(`PUT ${path}`, result({ ...wanted, wanted, reached: true }));
    expect(await run(['resolution', 'demo', '1366x768', '--timeout', '3'])).toMatchObject({
      code: 0,
      stdout: '1366x768\n',
    });
    expect(bodies()).toEqual([{ ...wanted, timeoutMs: 3000 }]);
  });

  it.each([
    [{ width: 1360, height: 768 }, /multiple of 8/],
    [{ width: 1024, height: 768 }, /spice-vdagent/],
  ])('fails if that is another one: %o', async (size, advice) => {
    daemon.on(`PUT ${path}`, result({ ...size, wanted, reached: false }));
    const { code, stdout, stderr } = await run(['resolution', 'demo', '1366X768']);
    expect([code, stdout]).toEqual([1, `${size.width}x${size.height}\n`]);
    expect(stderr).toContain(`The display of demo has ${size.width}x${size.height}, not 1366x768.`);
    expect(stderr).toMatch(advice);
  });

  it.each(['1366', '1366x', 'x768', '1366*768', '1e3x768', '123456x1'])('refuses %s', async (text) => {
    expect(await run(['resolution', 'demo', text])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('WIDTHxHEIGHT'),
    });
  });
});
