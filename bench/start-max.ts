import { copyFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { LaunchPlanReply, MachineDetails } from '../src/api/machine.ts';
import { loadFirmware } from '../src/qemu/firmware/load.ts';
import { pickFirmware } from '../src/qemu/firmware/pick.ts';
import { alternate, type Bench } from './support/bench.ts';
import { bareStart, type BareCommand } from './support/bare-engine.ts';
import { benchHome, needTiny } from './support/kame.ts';
import { firstBoot, kameStart, machineName, socketDirectory } from './support/tiny-machine.ts';

const kame = 'kame start --wait agent';
const uefi = '-M virt -cpu max, UEFI from disk';
const direct = '-M virt -cpu max, same kernel';

interface Guest {
  readonly plan: LaunchPlanReply;
  readonly machine: MachineDetails;
  readonly directory: string;
}

/** What a beginner would type, plus a port for the agent, to see when the guest is up. */
function plainCommand({ plan, machine, directory }: Guest, boot: readonly string[]): BareCommand {
  const [disk] = machine.disks;
  if (!disk) throw new Error('The machine has no disk.');
  const agentSocket = join(directory, 'qga');
  const args = [
    ...['-M', 'virt', '-cpu', 'max', '-smp', String(machine.cpus), '-m', `${machine.memoryBytes / 2 ** 20}M`],
    ...['-display', 'none', '-serial', 'null', '-monitor', 'none'],
    ...['-drive', `if=virtio,format=qcow2,file=${disk.path}`],
    ...['-chardev', `socket,id=qga,path=${agentSocket},server=on,wait=off`],
    ...['-device', 'virtio-serial', '-device', 'virtserialport,chardev=qga,name=org.qemu.guest_agent.0'],
    ...boot,
  ];
  return { binary: plan.binary, args, agentSocket };
}

async function uefiCommand(guest: Guest): Promise<BareCommand> {
  const all = await loadFirmware({ binary: guest.plan.binary, env: process.env, home: homedir() });
  const wish = { arch: 'aarch64', machineType: guest.plan.machineType, secureBoot: false } as const;
  const { flash } = pickFirmware(all, { ...wish, smmPossible: false });
  const variables = join(guest.directory, 'vars.fd');
  await copyFile(flash.nvramTemplate.filename, variables);
  return plainCommand(guest, [
    ...['-drive', `if=pflash,format=raw,readonly=on,file=${flash.executable.filename}`],
    ...['-drive', `if=pflash,format=raw,file=${variables}`],
  ]);
}

function directCommand(guest: Guest): BareCommand {
  const { args } = guest.plan;
  const valueOf = (option: string) => args[args.indexOf(option) + 1] ?? '';
  const files = ['-kernel', '-initrd'].flatMap((option) => [option, valueOf(option)]);
  return plainCommand(guest, [...files, '-append', 'console=ttyAMA0 quiet']);
}

/** Measures the benefit of Kame's defaults under emulation. */
export const startMax: Bench = {
  name: 'start-max',
  about: 'kame start of the tiny machine compared with qemu-system-aarch64 -M virt -cpu max, under emulation',
  async run(context) {
    await needTiny('aarch64', context.say);
    await using home = await benchHome();
    await using sockets = await socketDirectory();
    const plan = await firstBoot(home, { arch: 'aarch64', settings: ['accelerator=tcg'] });
    const machine = await home.json<MachineDetails>('show', machineName);
    const guest = { plan, machine, directory: sockets.path };
    const byUefi = await uefiCommand(guest);
    const samples = await alternate(
      {
        [kame]: async () => await kameStart(home),
        [direct]: async () => await bareStart(directCommand(guest), context.signal),
        [uefi]: async () => await bareStart(byUefi, context.signal),
      },
      context.runs ?? 5,
      context,
    );
    const ratio = { to: kame };
    return {
      bench: 'start-max',
      title: 'tiny aarch64 guest under TCG, until its agent responds',
      series: [
        { name: kame, unit: 'ms', samples: samples[kame] ?? [] },
        { name: direct, unit: 'ms', samples: samples[direct] ?? [], ratio },
        {
          name: uefi,
          unit: 'ms',
          samples: samples[uefi] ?? [],
          ratio,
          bar: { of: 'ratio', at: 'least', value: 3 },
        },
      ],
      notes: [
        'All have the same disk, processors and memory. "Same kernel" boots kernel and initrd directly, as Kame does, with the',
        'parameters "console=ttyAMA0 quiet": the remaining difference is due to the processor model and its parameters.',
      ],
    };
  },
};
