import type { Command } from '@commander-js/extra-typings';
import type { GuestFile, GuestPlace } from '../../api/generated/shapes.ts';
import { formatSize } from '../../core/units.ts';
import { guestPathText, machineText, userOption, waitForGuest } from '../guest-options.ts';
import { modeText } from '../mode-text.ts';
import { examples, filled, given, jsonShape } from '../options.ts';
import type { Session } from '../session.ts';

const listed = 10_000;

function nameText({ name, target }: GuestFile): string {
  return target === null ? name : `${name} -> ${target}`;
}

function timeText(iso: string): string {
  return `${iso.slice(0, 10)} ${iso.slice(11, 16)}`;
}

function print(session: Session, name: string, what: string, place: GuestPlace): void {
  if (session.json) session.printJson(place);
  else session.print(`${name}: ${what} ${place.path}`);
}

function defineLs(parent: Command, session: Session): void {
  parent
    .command('ls')
    .summary('list a directory in the guest')
    .description(`Lists the files in a directory of the guest, by name; at most ${listed}.`)
    .argument('<name>', machineText)
    .argument('[guest-path]', 'directory in the guest (default: the home of the user)')
    .option(...userOption)
    .option('--json', jsonShape('GuestDirectory'))
    .addHelpText('after', examples('kame guest ls demo /etc', 'kame guest ls demo --user alice'))
    .action(async (name, path = '.', options) => {
      const { signal } = session;
      const query = { path, ...given({ user: options.user }) };
      const reply = session.client.guestFiles.list(session.machine(name), query, { signal });
      const { files, more } = await waitForGuest(session, name, reply);
      if (session.json) {
        session.printJson({ files, more });
        return;
      }
      session.printTable(
        ['MODE', 'USER', 'GROUP', 'SIZE', 'MODIFIED', 'NAME'],
        files.map((file) => [
          modeText(file),
          file.user,
          file.group,
          { text: formatSize(file.sizeBytes), align: 'right' as const },
          timeText(file.modified),
          nameText(file),
        ]),
      );
      if (more) session.note(`There are more: only ${files.length} are listed.`);
    });
}

function defineStat(parent: Command, session: Session): void {
  parent
    .command('stat')
    .summary('show the properties of a file in the guest')
    .description('Shows the type, size, owner, permissions and time of a file in the guest.')
    .argument('<name>', machineText)
    .argument('<guest-path>', guestPathText)
    .option('--follow', 'of a link, show what it leads to')
    .option(...userOption)
    .option('--json', jsonShape('GuestFile'))
    .addHelpText('after', examples('kame guest stat demo /etc/hostname', 'kame guest stat demo .profile'))
    .action(async (name, path, { follow = false, ...options }) => {
      const { signal } = session;
      const query = { path, follow, ...given({ user: options.user }) };
      const reply = session.client.guestFiles.stat(session.machine(name), query, { signal });
      const file = await waitForGuest(session, name, reply);
      if (session.json) {
        session.printJson(file);
        return;
      }
      session.printPairs([
        ['File', nameText(file)],
        ['Type', file.type],
        ['Size', `${formatSize(file.sizeBytes)} (${file.sizeBytes} bytes)`],
        ['Mode', `${modeText(file)} (${file.mode.toString(8).padStart(4, '0')})`],
        ['Owner', `${file.user} (${file.uid}), ${file.group} (${file.gid})`],
        ['Modified', file.modified],
      ]);
    });
}

function defineMkdir(parent: Command, session: Session): void {
  parent
    .command('mkdir')
    .summary('make a directory in the guest')
    .description('Makes a directory in the guest.')
    .argument('<name>', machineText)
    .argument('<guest-path>', guestPathText)
    .option('-p, --parents', 'make those above it too, and accept one that exists')
    .option(...userOption)
    .option('--json', jsonShape('GuestPlace'))
    .addHelpText('after', examples('kame guest mkdir demo /srv/www -p'))
    .action(async (name, path, { parents = false, ...options }) => {
      const { signal } = session;
      const body = { path, parents, ...given({ user: options.user }) };
      const reply = session.client.guestFiles.makeDirectory(session.machine(name), body, { signal });
      print(session, name, 'made', await waitForGuest(session, name, reply));
    });
}

function defineRm(parent: Command, session: Session): void {
  parent
    .command('rm')
    .summary('remove files and directories in the guest')
    .description('Removes files in the guest. Links are removed, not followed.')
    .argument('<name>', machineText)
    .argument('<guest-path...>', guestPathText)
    .option('-r, --recursive', 'remove directories too, with all that is in them')
    .option(...userOption)
    .option('--json', jsonShape('GuestPlace, or an array of them'))
    .addHelpText('after', examples('kame guest rm demo /tmp/notes.txt', 'kame guest rm demo -r /srv/www'))
    .action(async (name, paths, { recursive = false, ...options }) => {
      const { signal } = session;
      const removed: GuestPlace[] = [];
      for (const path of paths) {
        const body = { path, recursive, ...given({ user: options.user }) };
        const reply = session.client.guestFiles.remove(session.machine(name), body, { signal });
        const place = await waitForGuest(session, name, reply);
        removed.push(place);
        // At once: the next one may fail.
        if (!session.json) print(session, name, 'removed', place);
      }
      if (session.json) session.printJson(removed.length === 1 ? removed[0] : removed);
    });
}

function defineMv(parent: Command, session: Session): void {
  parent
    .command('mv')
    .summary('rename a file or directory in the guest')
    .description(
      'Gives a file or directory in the guest another name, also in another directory of its file system.',
    )
    .argument('<name>', machineText)
    .argument('<guest-path>', guestPathText)
    .argument('<new-guest-path>', 'its new path')
    .option('-f, --force', 'replace a file that has the new name')
    .option(...userOption)
    .option('--json', jsonShape('GuestPlace'))
    .addHelpText('after', examples('kame guest mv demo /srv/www /srv/site'))
    .action(async (name, path, to, { force: replace = false, ...options }) => {
      const { signal } = session;
      const body = { path, to, replace, ...given({ user: options.user }) };
      const reply = session.client.guestFiles.rename(session.machine(name), body, { signal });
      print(session, name, 'renamed to', await waitForGuest(session, name, reply));
    });
}

function defineMktemp(parent: Command, session: Session): void {
  parent
    .command('mktemp')
    .summary('make a temporary file or directory in the guest')
    .description('Makes an empty file with a new name in the guest, and prints its path.')
    .argument('<name>', machineText)
    .option('-d, --directory', 'make a directory instead')
    .option('--in <guest-path>', 'directory in the guest (default: /tmp)', filled('--in'))
    .option('--prefix <text>', 'what its name begins with (default: kame-)')
    .option('--suffix <text>', 'what its name ends with; needs kame-tools')
    .option(...userOption)
    .option('--json', jsonShape('GuestPlace'))
    .addHelpText('after', examples('kame guest mktemp demo', 'kame guest mktemp demo -d --in /var/tmp'))
    .action(async (name, { directory = false, in: path, prefix, suffix, ...options }) => {
      const { signal } = session;
      const body = { directory, ...given({ path, prefix, suffix, user: options.user }) };
      const reply = session.client.guestFiles.makeTemporary(session.machine(name), body, { signal });
      const place = await waitForGuest(session, name, reply);
      if (session.json) session.printJson(place);
      else session.print(place.path);
    });
}

/** The verbs of `kame guest` for files. */
export function defineFiles(parent: Command, session: Session): void {
  defineLs(parent, session);
  defineStat(parent, session);
  defineMkdir(parent, session);
  defineRm(parent, session);
  defineMv(parent, session);
  defineMktemp(parent, session);
}
