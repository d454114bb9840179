import type { Command } from '@commander-js/extra-typings';
import { exists } from '../../sys/files.ts';
import { compatPath, kameHome } from '../../sys/home.ts';
import { examples, jsonShape } from '../options.ts';
import type { Session } from '../session.ts';
import { linkAll, unlinkAll } from '../stand-ins.ts';

function printLinks(session: Session, links: readonly string[], none: string): void {
  if (session.json) session.printJson({ links });
  else for (const link of links) session.print(link);
  if (links.length === 0) session.note(none);
}

function definePath(parent: Command, session: Session): void {
  parent
    .command('path')
    .summary('print the directory of the stand-ins')
    .description(
      'Prints the directory with vmrun, vmrest, vmware-vdiskmanager, and stand-ins for vmware-vmx, vmplayer and ovftool, which only tell a ' +
        'version and say that they are Kame’s. Put it on the PATH of programs that drive VMware.',
    )
    .option('--json', jsonShape('{path}'))
    .addHelpText('after', examples('PATH="$(kame compat path):$PATH" packer build image.json'))
    .action(() => {
      const path = session.context.standIns;
      if (session.json) session.printJson({ path });
      else session.print(path);
    });
}

function defineInstall(parent: Command, session: Session): void {
  parent
    .command('install')
    .summary('link the stand-ins into a directory')
    .description(
      'Links the stand-ins into a directory in which programs look for them, such as /usr/lib/vmware/bin. Files that are not Kame’s ' +
        'are never replaced.',
    )
    .argument('<directory>', 'where the links go; it is created')
    .option('--json', jsonShape('{links}'))
    .addHelpText('after', examples('sudo kame compat install /usr/lib/vmware/bin'))
    .action(async (directory) => {
      printLinks(
        session,
        await linkAll(session.context.standIns, session.path(directory)),
        'Nothing was linked.',
      );
    });
}

function defineNetworks(parent: Command, session: Session): void {
  parent
    .command('networks')
    .summary('link files about the networks into a directory')
    .description(
      'Writes the files in which programs that drive VMware look for networks, port forwards and DHCP leases, and links them into a ' +
        'directory such as /etc/vmware. From then on the daemon keeps them right. Files that are not Kame’s are never replaced.',
    )
    .argument('<directory>', 'where the links go; it is created')
    .option('--json', jsonShape('{links}'))
    .addHelpText('after', examples('kame compat networks /etc/vmware'))
    .action(async (directory) => {
      const { signal } = session;
      const { path } = await session.client.networks.writeFiles({ signal });
      printLinks(session, await linkAll(path, session.path(directory)), 'There are no networks.');
    });
}

function defineUninstall(parent: Command, session: Session): void {
  parent
    .command('uninstall')
    .summary('remove the links of Kame from a directory')
    .description(
      'Removes the links that kame compat install and kame compat networks have made in a directory.',
    )
    .argument('<directory>', 'the directory with the links')
    .option('--json', jsonShape('{links}'))
    .addHelpText('after', examples('sudo kame compat uninstall /usr/lib/vmware/bin'))
    .action(async (directory) => {
      const networks = compatPath(kameHome(session.context.env));
      const sources = [session.context.standIns, ...((await exists(networks)) ? [networks] : [])];
      const removed: string[] = [];
      for (const source of sources) removed.push(...(await unlinkAll(source, session.path(directory))));
      printLinks(session, removed, 'There are no links of Kame.');
    });
}

export function define(program: Command, session: Session): void {
  const compat = program
    .command('compat')
    .description('Lets programs that drive VMware, such as Packer, find vmrun and what else they look for.');
  definePath(compat, session);
  defineInstall(compat, session);
  defineNetworks(compat, session);
  defineUninstall(compat, session);
}
