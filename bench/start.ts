import { alternate, type Bench } from './support/bench.ts';
import { bareStart } from './support/bare-engine.ts';
import { benchHome, needTiny } from './support/kame.ts';
import { bareCommandOf, firstBoot, kameStart, socketDirectory } from './support/tiny-machine.ts';

const kame = 'kame start --wait agent';
const bare = 'bare QEMU, same plan';

/** Measures the time that Kame adds to that of its engine. */
export const start: Bench = {
  name: 'start',
  about: 'kame start of the tiny machine compared with the bare QEMU command of the same plan',
  async run(context) {
    await needTiny('aarch64', context.say);
    await using home = await benchHome();
    await using sockets = await socketDirectory();
    const plan = await firstBoot(home, { arch: 'aarch64' });
    const command = bareCommandOf(plan, sockets.path);
    const samples = await alternate(
      {
        [bare]: async () => await bareStart(command, context.signal),
        [kame]: async () => await kameStart(home),
      },
      context.runs ?? 9,
      context,
    );
    return {
      bench: 'start',
      title: `tiny aarch64 guest on ${plan.accelerator}, until its agent responds`,
      series: [
        { name: bare, unit: 'ms', samples: samples[bare] ?? [] },
        {
          name: kame,
          unit: 'ms',
          samples: samples[kame] ?? [],
          ratio: { to: bare },
          bar: { of: 'ratio', at: 'most', value: 1.15 },
        },
      ],
      notes: [
        'Kame: wall time of the whole command, daemon warm. Bare: from before spawn until the reply to a guest-ping.',
        `${plan.accelerator}: ${plan.acceleratorReason}`,
      ],
    };
  },
};
