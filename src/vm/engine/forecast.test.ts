import { beforeEach, describe, expect, it } from 'vitest';
import { guestAtLogin } from '../../../test/support/fake-engine/guest.ts';
import { like, refused } from '../../../test/support/refused.ts';
import { quiet, useWorld } from '../../../test/support/world.ts';
import { silentProgress } from '../../core/progress.ts';
import { hostArchitecture } from './engine.ts';
import { emulationForecast, forecastText } from './forecast.ts';

const world = useWorld();
beforeEach(() => void (world().engines.guest = guestAtLogin));
const foreign = hostArchitecture() === 'aarch64' ? 'x86_64' : 'aarch64';

describe('the forecast for an emulated guest', () => {
  it('says why it is emulated, how long a small one boots, and what would do without', async () => {
    const text = await emulationForecast(world().host, foreign, quiet);
    expect(text).toMatch(
      /^The guest is emulated: .*\. A small Linux of its kind boots in \d+\.\d s on this host\. A host with an /,
    );
  });

  it('is measured once, with nothing left behind', async () => {
    const first = await emulationForecast(world().host, foreign, quiet);
    const started = world().engines.all.length;
    await Promise.all(world().engines.all.map(async ({ ended }) => await ended));
    expect(await emulationForecast(world().host, foreign, quiet)).toBe(first);
    expect(world().engines.all).toHaveLength(started);
    expect(await world().look(world().machine())).toMatchObject({ runs: [] });
  });

  it('compares with the host’s own kind when that one is not emulated', () => {
    expect(forecastText(foreign, 'emulated: the guest is foreign', 12, 2.5)).toContain(
      'boots in 12.0 s on this host, 4.8 times as long as one for its own processor.',
    );
  });

  it('says what kept it from being measured', async () => {
    world().engines.begin = 'echo "no such machine" >&2; exit 1';
    expect(await emulationForecast(world().host, foreign, quiet)).toEqual(
      like(/^How fast .* could not be measured: .*no such machine/s),
    );
  });

  it('can be cancelled', async () => {
    const cut = silentProgress(AbortSignal.abort());
    expect(await refused(emulationForecast(world().host, foreign, cut))).toMatchObject({ code: 'CANCELLED' });
  });
});
