import { describe, expect, it } from 'vitest';
import type { GuestOptions } from '../../../test/support/fake-engine/guest.ts';
import { goodHello } from '../../../test/support/fake-tools.ts';
import { like, refused } from '../../../test/support/refused.ts';
import { goodFrom, startGuest } from '../../../test/support/tools-guest.ts';
import { quiet, useWorld } from '../../../test/support/world.ts';
import { toolsPath } from '../../sys/assets.ts';
import { installTools } from './install-tools.ts';
import { describeTools } from './tools.ts';

const world = useWorld();
const guest = async (options: Partial<GuestOptions>) => await startGuest(world(), options);

describe.skipIf(toolsPath('aarch64') === undefined)('an installation', () => {
  it('gives the program to a script in the guest, and waits until it answers', async () => {
    let got: readonly string[] = [];
    const sh = (args: readonly string[]) => {
      got = args;
      return { exitCode: 0 };
    };
    await guest({ tools: {}, programs: { '/bin/sh': sh } });
    expect(await installTools(world().host, 'demo', quiet)).toEqual({ machine: 'demo', version: '0.1.0' });
    expect(got).toEqual(['-c', like(/kame-tools.service/), 'sh', 'aarch64']);
  });

  it('asks the new program for its version', async () => {
    let version = 0;
    const hello = () => ({ ...goodHello, program: `0.${(version += 1)}.0` });
    await guest({ tools: { hello } });
    await describeTools(world().host, 'demo', quiet.signal);
    expect(await installTools(world().host, 'demo', quiet)).toMatchObject({ version: '0.2.0' });
  });

  it('waits for kame-tools that do not answer at first', async () => {
    await guest({ tools: { hello: goodFrom(3) } });
    expect(await installTools(world().host, 'demo', quiet)).toMatchObject({ version: '0.1.0' });
  });

  it('fails with the words of the script', async () => {
    const sh = () => ({ exitCode: 4, stderr: 'neither systemd nor OpenRC' });
    await guest({ programs: { '/bin/sh': sh } });
    expect(await refused(installTools(world().host, 'demo', quiet))).toMatchObject({
      code: 'GUEST_FAILED',
      message: like(/exit code 4.*neither/),
    });
  });
});
