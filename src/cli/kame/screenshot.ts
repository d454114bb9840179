import { writeFile } from 'node:fs/promises';
import type { Command } from '@commander-js/extra-typings';
import { fileError } from '../../sys/files.ts';
import { examples, jsonShape } from '../options.ts';
import type { Session } from '../session.ts';

export function define(program: Command, session: Session): void {
  program
    .command('screenshot')
    .description('Saves the screen of a running machine as a PNG file. An existing file is overwritten.')
    .argument('<name>', 'name, id or .vmx of a machine')
    .argument('<file.png>', 'file to write')
    .option('--json', jsonShape('{name, path, sizeBytes}'))
    .addHelpText('after', examples('kame screenshot demo demo.png'))
    .action(async (name, file) => {
      const path = session.path(file);
      const reply = session.client.machines.screenshot(session.machine(name), { signal: session.signal });
      const png = await session.wait(name, `the engine of ${name}`, reply);
      await writeFile(path, png).catch((error: unknown) => {
        throw fileError(error, path);
      });
      if (session.json) session.printJson({ name, path, sizeBytes: png.length });
      else session.print(`${name}: screenshot saved to ${path}`);
    });
}
