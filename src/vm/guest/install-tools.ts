import type { InstalledTools } from '../../api/tools-operations.ts';
import { Deadline, poll } from '../../core/deadline.ts';
import { KameError } from '../../core/errors.ts';
import type { Progress } from '../../core/progress.ts';
import { contentOf } from '../../store/bundle.ts';
import { assetText, toolsProgram } from '../../sys/assets.ts';
import type { Host } from '../host/host.ts';
import type { Running } from '../host/running.ts';
import { runningMachine } from '../host/state.ts';
import { answeringTools, hasToolsPort, refuseWithoutAgent, toolsMissing } from './tools-state.ts';

/** Milliseconds for the script in the guest, and for kame-tools to answer after it. */
const installMs = 120_000;
const answerMs = 30_000;
/** The most of what the script says that is shown. */
const maxSaid = 2000;

/** The program for the guest. @throws KameError HOST_PROBLEM in a build without it, FILE_ACCESS */
async function programFor(arch: string): Promise<Buffer> {
  const program = await toolsProgram(arch);
  if (program) return program;
  throw new KameError('HOST_PROBLEM', `This copy of Kame was built without kame-tools for ${arch}.`, {
    next: 'Install Go (on Debian and Ubuntu: apt install golang-go) and build Kame again with ./run build.',
  });
}

/** Runs guest/install/tools.sh. @throws KameError GUEST_FAILED with what it says, GUEST_TIMEOUT, CANCELLED */
async function runScript(machine: Running, arch: string, program: Buffer, progress: Progress): Promise<void> {
  let said = '';
  const listen = (chunk: Buffer): void => {
    said = (said + chunk.toString('utf8')).slice(-maxSaid);
  };
  const { exitCode, signal } = await machine.channels.agent.exec({
    path: '/bin/sh',
    args: ['-c', assetText('guest/install/tools.sh'), 'sh', arch],
    input: program,
    onStdout: listen,
    onStderr: listen,
    timeoutMs: installMs,
    deadline: new Deadline(installMs, progress),
    signal: progress.signal,
  });
  if (exitCode === 0) return;
  const end = exitCode === null ? `signal ${signal}` : `exit code ${exitCode}`;
  throw new KameError(
    'GUEST_FAILED',
    `kame-tools could not be installed in ${machine.name} (${end}): ${said.trim()}`,
    { next: 'Repair what the message names and run the command again.', details: { machine: machine.name } },
  );
}

/**
 * Installs kame-tools as a service of a running guest, or updates them.
 * @throws KameError WRONG_STATE, GUEST_AGENT_MISSING, GUEST_TOOLS_MISSING on older hardware or if they do not answer after it,
 * GUEST_FAILED, HOST_PROBLEM, CANCELLED
 */
export async function installTools(
  host: Host,
  reference: string,
  progress: Progress,
): Promise<InstalledTools> {
  const machine = await runningMachine(host, reference);
  refuseWithoutAgent(machine);
  if (!hasToolsPort(machine)) throw toolsMissing(machine, 'This');
  const { arch } = contentOf(await host.bundles.read(machine.names.vmx)).model;
  const program = await programFor(arch);
  progress.report({ stage: 'Installing kame-tools in the guest' });
  await runScript(machine, arch, program, progress);
  // Those that ran before it are gone when the script has ended: the hello must be that of the new ones.
  machine.channels.tools.disconnect();
  progress.report({ stage: 'Waiting for kame-tools' });
  const deadline = new Deadline(answerMs, progress);
  const look = async () => await answeringTools(machine, deadline);
  const hello = await poll(look, deadline.step(answerMs));
  if (hello) return { machine: machine.name, version: hello.program };
  throw new KameError(
    'GUEST_TOOLS_MISSING',
    `kame-tools were installed in ${machine.name}, but do not answer.`,
    {
      next: `Look at their service in the guest: kame exec ${machine.name} -- systemctl status kame-tools`,
      details: { machine: machine.name },
    },
  );
}
