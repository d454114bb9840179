import { describe, expect, it } from 'vitest';
import { bodies, daemon, run, useDaemon } from './cli-run.ts';
import { json } from './cli-support.ts';

useDaemon();

describe('repair', () => {
  const route = 'POST /v1/machines/web/repair';

  it('prints what was done', async () => {
    daemon.on(route, json({ name: 'web', changes: ['web now records fix.'], problems: [] }));
    const options = ['--forget', '/a/a.vmx', '--forget', 'C:\\b.vmx', '--accept-base'];
    expect(await run(['repair', 'web', ...options])).toMatchObject({
      code: 0,
      stdout: 'web now records fix.\n',
    });
    expect(bodies()).toEqual([{ forget: ['/a/a.vmx', 'C:\\b.vmx'], acceptBase: true }]);
  });

  it('says where an original is now', async () => {
    daemon.on(route, json({ name: 'web', changes: [], problems: [] }));
    await run(['repair', 'web', '--original', '/new/web.vmwarevm']);
    expect(bodies()).toEqual([{ forget: [], acceptBase: false, original: '/new/web.vmwarevm' }]);
  });

  it('ends with 1 when something could not be repaired, and lists that separately', async () => {
    daemon.on(route, json({ name: 'web', changes: [], problems: ['The base was not found.'] }));
    const { code, stdout, stderr } = await run(['repair', 'web']);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain('The base was not found.');
    expect(bodies()).toEqual([{ forget: [], acceptBase: false }]);
  });

  it('says when there was nothing to do', async () => {
    daemon.on(route, json({ name: 'web', changes: [], problems: [] }));
    expect((await run(['repair', 'web'])).stdout).toBe('web needs no repair\n');
  });
});
