import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { useTemporaryDirectory } from '../../test/support/temporary-directory.ts';
import { energyBetween, readEnergy } from './energy.ts';

const makeDirectory = useTemporaryDirectory();

function zones(values: Readonly<Record<string, string>>): string {
  const directory = makeDirectory();
  for (const [name, value] of Object.entries(values)) {
    mkdirSync(join(directory, name));
    writeFileSync(join(directory, name, 'energy_uj'), `${value}\n`);
    writeFileSync(join(directory, name, 'max_energy_range_uj'), '1000\n');
  }
  return directory;
}

describe.runIf(process.platform === 'linux')('the energy of the host', () => {
  it('is that of the packages', async () => {
    const found = await readEnergy(
      zones({ 'intel-rapl:0': '5', 'intel-rapl:0:0': '3', 'intel-rapl:1': '7' }),
    );
    expect(found).toEqual(
      new Map([
        ['intel-rapl:0', { microjoules: 5, wrapsAt: 1000 }],
        ['intel-rapl:1', { microjoules: 7, wrapsAt: 1000 }],
      ]),
    );
  });

  it('is not told without a meter, or by one that does not make sense', async () => {
    expect(await readEnergy(join(makeDirectory(), 'none'))).toBe('not-told');
    expect(await readEnergy(zones({}))).toBe('not-told');
    expect(await readEnergy(zones({ 'intel-rapl:0': 'much' }))).toBe('not-told');
  });
});

it('is the difference of counters, which begin again at their end', () => {
  const at = (microjoules: number) => ({ microjoules, wrapsAt: 1000 });
  const before = new Map([
    ['a', at(900)],
    ['b', at(10)],
  ]);
  const after = new Map([
    ['a', at(50)],
    ['b', at(30)],
    ['c', at(500)],
  ]);
  expect(energyBetween(before, after)).toBe(150 + 20);
});
