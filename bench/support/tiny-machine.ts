import { mkdtemp, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { LaunchPlanReply } from '../../src/api/machine.ts';
import type { TestHome } from '../../test/support/home.ts';
import type { BareCommand } from './bare-engine.ts';
import { kameProgram, wallOf } from './kame.ts';

export const machineName = 'tiny';

/** Creates the tiny machine and boots it once, to complete what only the first start does (host name, engine probe). */
export async function firstBoot(
  home: TestHome,
  options: { arch: 'aarch64' | 'x86_64'; settings?: readonly string[] },
): Promise<LaunchPlanReply> {
  const settings = (options.settings ?? []).flatMap((setting) => ['--set', setting]);
  await home.json('create', machineName, '--image', 'tiny', '--arch', options.arch, ...settings);
  await home.json('start', machineName);
  await stopHard(home);
  return await home.json<LaunchPlanReply>('start', machineName, '--dry-run');
}

async function stopHard(home: TestHome): Promise<void> {
  await home.json('stop', machineName, '--hard');
}

/** Wall time of `kame start --wait agent` in milliseconds, for the whole process. */
export async function kameStart(home: TestHome): Promise<number> {
  const ms = wallOf([kameProgram, 'start', '--wait', 'agent', machineName], home.env);
  await stopHard(home);
  return ms;
}

/** The command of a plan, with its sockets in another directory. */
export function bareCommandOf({ binary, args }: LaunchPlanReply, directory: string): BareCommand {
  const pidFile = args[args.indexOf('-pidfile') + 1];
  if (pidFile === undefined) throw new Error('The plan has no pid file, so its run directory is unknown.');
  const run = `${dirname(pidFile)}/`;
  return {
    binary,
    args: args.map((arg) => arg.replaceAll(run, `${directory}/`)),
    agentSocket: join(directory, 'qga'),
  };
}

/** A directory with a short path, for sockets. */
export async function socketDirectory(): Promise<{ path: string } & AsyncDisposable> {
  const path = await mkdtemp('/tmp/kame-');
  return { path, [Symbol.asyncDispose]: async () => await rm(path, { recursive: true, force: true }) };
}
