import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { sampleNetwork } from '../../test/support/networks.ts';
import { codeOf, like, refused } from '../../test/support/refused.ts';
import { useTemporaryDirectory } from '../../test/support/temporary-directory.ts';
import { usualNetwork } from '../model/network-defaults.ts';
import { overlaps, subnetOf } from '../model/network-subnet.ts';
import { Networks } from './networks.ts';

const makeDirectory = useTemporaryDirectory();
let directory: string;
let path: string;
let networks: Networks;
const hostSubnets = () => [{ interface: 'eth0', cidr: '192.168.0.7/17' }];
const text = () => readFileSync(path, 'utf8');
const write = (value: unknown) => writeFileSync(path, JSON.stringify(value));
const lab = usualNetwork('lab', 'nat', '10.5.0.0/24');
const add = async (network = lab) =>
  await networks.update((all) => ({ networks: [...all, network], result: network }));

beforeEach(() => {
  directory = makeDirectory();
  path = join(directory, 'networks.json');
  networks = new Networks({ path, hostSubnets });
});

describe('the networks of a new home', () => {
  it('are VMware’s, with unused subnets that they keep', async () => {
    const [one, eight] = await networks.all();
    expect([one?.network?.type, eight?.network?.type]).toEqual(['hostonly', 'nat']);
    const subnets = [one, eight].map((entry) => subnetOf(entry?.network?.subnet ?? ''));
    expect(overlaps(subnets[0]!, subnets[1]!)).toBe(false);
    for (const subnet of subnets) expect(overlaps(subnet, subnetOf('192.168.0.0/17'))).toBe(false);
    expect(await new Networks({ path, hostSubnets: () => [] }).all()).toEqual(await networks.all());
  });

  it('are chosen once, even by several processes at the same time', async () => {
    const [first, ...more] = await Promise.all([networks.all(), networks.all(), networks.get('VMnet8')]);
    expect(more).toEqual([first, first.find(({ name }) => name === 'vmnet8')?.network]);
  });

  it('fail with advice if the host uses all subnets', async () => {
    networks = new Networks({ path, hostSubnets: () => [{ interface: 'wg0', cidr: '0.0.0.0/0' }] });
    expect(await refused(networks.all())).toMatchObject({ code: 'HOST_PROBLEM', next: like(/--subnet/) });
    expect(existsSync(path)).toBe(false);
  });
});

describe('a change', () => {
  it('is written as a whole, one after the other', async () => {
    await Promise.all([add(), add({ ...lab, name: 'lab2', subnet: '10.6.0.0/24' })]);
    expect((await networks.all()).map(({ name }) => name)).toEqual(['lab', 'lab2', 'vmnet1', 'vmnet8']);
    expect(readdirSync(directory)).toEqual(['networks.json']);
  });

  it('that is not valid is refused, and nothing is written', async () => {
    await add();
    const before = text();
    expect(await codeOf(add({ ...lab, name: 'odd', mtu: 1 }))).toBe('INVALID_VALUE');
    const failing = networks.update(() => {
      throw new Error('no');
    });
    await expect(failing).rejects.toThrow('no');
    expect(text()).toBe(before);
    // The queue goes on.
    await networks.update((all) => ({ networks: all.filter(({ name }) => name !== 'lab'), result: null }));
    expect(await refused(networks.get('labb'))).toMatchObject({ code: 'NO_SUCH_NETWORK' });
  });

  it('of too many networks is refused', async () => {
    const many = Array.from({ length: 64 }, (_, at) => usualNetwork(`n${at}`, 'nat', `10.${at}.0.0/24`));
    const work = networks.update((all) => ({ networks: [...all, ...many], result: null }));
    expect(await refused(work)).toMatchObject({ code: 'INVALID_VALUE', message: like(/at most 64/) });
  });
});

describe('a file that a person has edited', () => {
  it('has one broken network for each invalid entry, and keeps its text', async () => {
    const odd = [
      { name: 'odd', type: 'nat', subnet: '8.8.8.0/24' },
      7,
      { name: '../x', type: 'nat' },
      { type: 'x' },
    ];
    write({ networks: [sampleNetwork(), ...odd, sampleNetwork({ mtu: 9000 })] });
    const all = await networks.all();
    expect(all.map(({ name, broken }) => [name, broken === null])).toEqual([
      ['#3', false],
      ['#4', false],
      ['#5', false],
      ['#6', false],
      ['odd', false],
      ['vmnet1', true],
      ['vmnet8', true],
    ]);
    await add();
    const { networks: written } = JSON.parse(text()) as { networks: unknown[] };
    for (const entry of odd) expect(written).toContainEqual(entry);
    expect(await refused(networks.get('odd'))).toMatchObject({
      code: 'BROKEN_NETWORK',
      message: like(/not in a private range/),
      next: `Repair its entry in ${path}.`,
    });
    await networks.remove('odd');
    expect(await codeOf(networks.get('odd'))).toBe('NO_SUCH_NETWORK');
  });

  it.each([
    ['forwards', {}],
    ['forwards', [{ transport: 'tcp' }]],
    ['reservations', { '00:0c:29:00:00:01': 7 }],
    ['addresses', []],
    ['mtu', '1500'],
    ['dhcp', 1],
    ['boot', 'x'],
    ['subnet', 7],
    ['reservations', JSON.parse('{"__proto__": "192.168.77.9"}')],
  ])('with %s %j has that network broken, and the others as they are', async (key, value) => {
    write({ networks: [{ ...sampleNetwork(), [key]: value }, lab] });
    const all = await networks.all();
    expect(all.filter(({ broken }) => broken !== null).map(({ name }) => name)).toEqual(['vmnet8']);
  });

  it('needs only names, types and subnets', async () => {
    write({ networks: [{ name: 'vmnet8', type: 'nat', subnet: '192.168.77.0/24' }] });
    expect(await networks.get('vmnet8')).toEqual(sampleNetwork());
  });

  it.each([
    ['{', 'FILE_ACCESS'],
    ['[]', 'FILE_ACCESS'],
    ['{"networks": {}}', 'FILE_ACCESS'],
    [`{"networks": ${'['.repeat(100)}${']'.repeat(100)}}`, 'FILE_ACCESS'],
    [JSON.stringify({ networks: Array.from({ length: 65 }, () => lab) }), 'FILE_ACCESS'],
    [' '.repeat(8 * 1024 * 1024 + 1), 'FILE_ACCESS'],
  ])('as a whole that cannot be read stays as it is', async (content, code) => {
    writeFileSync(path, content);
    expect(await codeOf(networks.all())).toBe(code);
    expect(await codeOf(add())).toBe(code);
    expect(text()).toBe(content);
  });

  it('must not be a link or a directory', async () => {
    write({ networks: [] });
    symlinkSync(path, join(directory, 'link.json'));
    networks = new Networks({ path: join(directory, 'link.json'), hostSubnets });
    expect(await codeOf(networks.all())).toBe('FILE_ACCESS');
    mkdirSync(join(directory, 'd'));
    networks = new Networks({ path: join(directory, 'd'), hostSubnets });
    expect(await codeOf(networks.all())).toBe('FILE_ACCESS');
  });
});
