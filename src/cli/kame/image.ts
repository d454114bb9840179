import { Option, type Command } from '@commander-js/extra-typings';
import type { Image } from '../../api/messages.ts';
import { formatSize } from '../../core/units.ts';
import { examples, given, jsonShape } from '../options.ts';
import type { Session } from '../session.ts';

const archOption = () =>
  new Option('--arch <arch>', 'architecture, if the image has several').choices([
    'aarch64',
    'x86_64',
  ] as const);

/** The exit code if nobody knows which images are cached. */
const failed = 1;

const sizeOf = (image: Image) => (image.sizeBytes === null ? '-' : formatSize(image.sizeBytes));

function defineList(parent: Command, session: Session): void {
  parent
    .command('list')
    .alias('ls')
    .description('Lists the images that you can create machines from.')
    .option('--json', jsonShape('an array of Image'))
    .addHelpText('after', examples('kame image list', `kame image list --json | jq -r '.[].id'`))
    .action(async () => {
      const images = await session.client.images.list();
      const problem = images.find((image) => typeof image.problem === 'string')?.problem;
      if (typeof problem === 'string') session.exitCode = failed;
      if (session.json) {
        session.printJson(images);
        return;
      }
      session.printTable(
        ['ID', 'NAME', 'ARCH', 'SOURCE', 'SIZE', 'CACHED'],
        images.map((image) => [
          image.id,
          image.name,
          image.arch || '-',
          image.source,
          { text: sizeOf(image), align: 'right' },
          typeof image.problem === 'string' ? '?' : image.cached ? 'yes' : '-',
        ]),
      );
      if (typeof problem === 'string') session.note(`The cache cannot be read: ${problem}`);
    });
}

function definePull(parent: Command, session: Session): void {
  parent
    .command('pull')
    .description('Downloads an image and verifies it. An interrupted download is resumed.')
    .argument('<image>', 'id from `kame image list`')
    .addOption(archOption())
    .option('--json', jsonShape('Image'))
    .addHelpText('after', examples('kame image pull debian-12', 'kame image pull debian-12 --arch x86_64'))
    .action(async (id, { arch }) => {
      const body = { image: id, ...given({ arch }) };
      const image = await session.task(id, (options) => session.client.images.pull(body, options));
      if (session.json) session.printJson(image);
      else session.print(`${image.id} (${image.arch}) was downloaded: ${image.path ?? sizeOf(image)}`);
    });
}

function defineImport(parent: Command, session: Session): void {
  parent
    .command('import')
    .description('Adds a copy of a qcow2, raw, vmdk, vhdx, vdi or iso file to the images.')
    .argument('<path>', 'disk image or ISO')
    .option('--name <name>', 'name of the image (default: the file name)')
    .option('--json', jsonShape('Image'))
    .addHelpText(
      'after',
      examples('kame image import ./debian.qcow2', 'kame image import ./disk.vmdk --name attic'),
    )
    .action(async (file, { name }) => {
      const body = { path: session.path(file), ...given({ name }) };
      const image = await session.task(file, (options) => session.client.images.import(body, options));
      if (session.json) session.printJson(image);
      else session.print(`${image.id} was imported. To use it: \`kame create NAME --image ${image.id}\``);
    });
}

function defineDelete(parent: Command, session: Session): void {
  parent
    .command('delete')
    .description('Deletes the local copy of an image. Machines that were created from it keep their disks.')
    .argument('<image>', 'id from `kame image list`')
    .addOption(archOption())
    .option('--json', jsonShape('{id, deleted: true}'))
    .addHelpText('after', examples('kame image delete debian-12'))
    .action(async (id, { arch }) => {
      await session.client.images.delete(id, given({ arch }));
      if (session.json) session.printJson({ id, deleted: true });
      else session.print(`${id} was deleted`);
    });
}

export function define(program: Command, session: Session): void {
  const image = program
    .command('image')
    .description('Lists, downloads, imports and deletes the images that machines are created from.')
    .addHelpText('after', examples('kame image list', 'kame image pull debian-12'));
  defineList(image, session);
  definePull(image, session);
  defineImport(image, session);
  defineDelete(image, session);
}
