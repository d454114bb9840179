import { Guest } from '../test/support/guest.ts';
import { bootDirectly, createArguments, DesktopMachine } from '../test/support/desktop-machine.ts';
import { desktopGuest } from './desktop/guest.ts';
import { alternate, type Bench } from './support/bench.ts';
import { benchHome, timed } from './support/kame.ts';

const machine = 'desk';
const kibibyte = 1024;
const large = 10 * 1024 * kibibyte;

const [smallOut, smallIn] = ['1 KiB, guest to host', '1 KiB, host to guest, and a program that pastes it'];
const [largeOut, largeIn] = ['10 MiB, guest to host', '10 MiB, host to guest, and a program that pastes it'];

async function* once(data: Buffer): AsyncGenerator<Buffer> {
  yield await Promise.resolve(data);
}

/** Measures the clipboard of labwc, through kame-tools in its session. */
export const clipboard: Bench = {
  name: 'clipboard',
  about: 'the clipboard of a Wayland desktop, both ways',
  missing: () =>
    desktopGuest('x86_64') === null
      ? 'the guest with a desktop has not been built; `node --import tsx bench/desktop/build.ts` does that in about a minute'
      : null,
  async run(context) {
    const built = desktopGuest('x86_64');
    if (!built) throw new Error('The guest with a desktop was not built.');
    await using home = await benchHome();
    const guest = new Guest(home, machine);
    const desktop = new DesktopMachine(guest);
    await home.json('create', machine, ...createArguments(built));
    await bootDirectly(guest, built);
    context.say('boots');
    await guest.start();
    await desktop.install();
    return await home.ask(async (client) => {
      const silent = { output: async () => await Promise.resolve() };
      const copyInGuest = async (bytes: number) => {
        const line = `. /tmp/session; head -c ${(bytes * 3) / 4} /dev/urandom | base64 -w0 | wl-copy`;
        await client.machines.exec(machine, { command: ['sh', '-c', line], user: 'user' }, silent);
      };
      const paste = { command: ['sh', '-c', '. /tmp/session; wl-paste | wc -c'], user: 'user' };
      const set = async (bytes: number) => {
        const request = { type: 'text/plain', sizeBytes: bytes };
        await client.clipboard.set(machine, request, { input: once(Buffer.alloc(bytes, 'x')) });
        await client.machines.exec(machine, paste, silent);
      };
      const outOf = async (bytes: number) => {
        await copyInGuest(bytes);
        let got = 0;
        const count = {
          output: async (data: Uint8Array) => await Promise.resolve(void (got += data.length)),
        };
        const ms = await timed(
          async () => await client.clipboard.get(machine, { type: 'text/plain' }, count),
        );
        if (got !== bytes) throw new Error(`${got} bytes came, not ${bytes}.`);
        return ms;
      };
      const samples = await alternate(
        {
          [smallOut]: async () => await outOf(kibibyte),
          [smallIn]: async () => await timed(async () => await set(kibibyte)),
          [largeOut]: async () => await outOf(large),
          [largeIn]: async () => await timed(async () => await set(large)),
        },
        context.runs ?? 11,
        context,
      );
      const bars: Readonly<Record<string, number>> = { [smallOut]: 60, [smallIn]: 250 };
      return {
        bench: 'clipboard',
        title: 'time of the clipboard of labwc, through kame-tools in its session',
        series: Object.entries(samples).map(([name, measured]) => ({
          name,
          unit: 'ms' as const,
          samples: measured,
          ...(bars[name] === undefined
            ? {}
            : { bar: { of: 'median', at: 'most', value: bars[name] } as const }),
        })),
        notes: [],
      };
    });
  },
};
