import type { Command } from '@commander-js/extra-typings';
import { examples } from '../options.ts';
import type { Session } from '../session.ts';
import { defineFiles } from './guest-files.ts';
import { defineProcesses } from './guest-processes.ts';
import { defineRun } from './guest-run.ts';
import { defineSettings } from './guest-settings.ts';
import { defineSshKeys } from './guest-ssh-keys.ts';

export function define(program: Command, session: Session): void {
  const parent = program
    .command('guest')
    .description(
      'Looks at and changes the inside of a running guest: processes, files, variables and users, programs and scripts. ' +
        'kame-tools in the guest do it where they run, else the guest agent, within its limits. Paths in the guest are ' +
        'relative to the home of the user. kame copy copies files, kame exec runs a command.',
    )
    .addHelpText('after', examples('kame guest ps demo', 'kame guest ls demo /etc'));
  defineProcesses(parent, session);
  defineFiles(parent, session);
  defineSettings(parent, session);
  defineRun(parent, session);
  defineSshKeys(parent, session);
}
