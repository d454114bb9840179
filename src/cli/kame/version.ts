import type { Command } from '@commander-js/extra-typings';
import { version } from '../../core/version.ts';
import { examples, jsonShape } from '../options.ts';
import type { Session } from '../session.ts';

export function define(program: Command, session: Session): void {
  program
    .command('version')
    .description('Prints the version of Kame, without starting the daemon.')
    .option('--json', jsonShape('{version, node, platform, arch}'))
    .addHelpText('after', examples('kame version', 'kame version --json'))
    .action(() => {
      const { arch, platform, versions } = process;
      if (session.json) session.printJson({ version, node: versions.node, platform, arch });
      else session.print(version);
    });
}
