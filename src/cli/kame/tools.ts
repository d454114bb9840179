import type { Command } from '@commander-js/extra-typings';
import type { GuestAgent, GuestTools } from '../../api/generated/shapes.ts';
import { examples, jsonShape } from '../options.ts';
import type { Session } from '../session.ts';

const machineText = 'name, id or .vmx of a machine';

function adviceOf({ name, adds, install, installOn }: GuestAgent): string {
  const how = install === null ? '' : `; ${installOn === 'guest' ? 'in the guest: ' : ''}${install}`;
  return `${name} would add: ${adds}${how}`;
}

function print(session: Session, { machine, system, agents, note }: GuestTools): void {
  if (system !== null) session.print(`${machine}: ${system}`);
  session.printTable(
    ['AGENT', 'ANSWERS', 'VERSION'],
    agents.map(({ name, answers, version }) => [name, answers ? 'yes' : 'no', version ?? '-']),
  );
  for (const { name, reaches } of agents) if (reaches !== null) session.print(`${name} reach ${reaches}`);
  for (const agent of agents.filter(({ answers }) => !answers)) session.print(adviceOf(agent));
  if (note !== null) session.note(note);
}

function defineInstall(parent: Command<[string]>, session: Session): void {
  parent
    .command('install')
    .summary('install or update kame-tools in the guest')
    .description(
      'Installs kame-tools in a running guest, or updates them: one program without dependencies, as a service of systemd ' +
        'or OpenRC, which desktops also start in their sessions. The guest agent must answer. The tiny image has them already.',
    )
    .argument('<name>', machineText)
    .option('--json', jsonShape('InstalledTools'))
    .addHelpText('after', examples('kame tools install web'))
    .action(async (name) => {
      const options = (work: Parameters<typeof session.client.tools.install>[1]) =>
        session.client.tools.install(session.machine(name), work);
      const installed = await session.task(name, options);
      if (session.json) session.printJson(installed);
      else session.print(`${installed.machine}: kame-tools ${installed.version} answer`);
    });
}

export function define(program: Command, session: Session): void {
  const parent = program
    .command('tools')
    .description(
      'Lists the agents that can run in the guest, whether each answers, and what the missing ones would add, with the ' +
        'command that installs them.',
    )
    .argument('<name>', machineText)
    .option('--json', jsonShape('GuestTools'))
    .addHelpText('after', examples('kame tools web', 'kame tools install web'))
    .action(async (name) => {
      const { signal } = session;
      const tools = await session.client.tools.show(session.machine(name), { signal });
      if (session.json) session.printJson(tools);
      else print(session, tools);
    });
  defineInstall(parent, session);
}
