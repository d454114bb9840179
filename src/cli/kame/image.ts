import { Option, type Command } from '@commander-js/extra-typings';
import type { Image } from '../../api/messages.ts';
import { formatSize } from '../../core/units.ts';
import { examples, given, jsonShape } from '../options.ts';
import type { Session } from '../session.ts';

const archOption = () =>
  new Option('--arch <arch>', 'architecture, where an image has several').choices([
    'aarch64',
    'x86_64',
  ] as const);

const sizeOf = (image: Image) => (image.sizeBytes === null ? '-' : formatSize(image.sizeBytes));

function defineList(parent: Command, session: Session): void {
  parent
    .command('list')
    .alias('ls')
    .description('Lists the images that machines can be made from.')
    .option('--json', jsonShape('an array of Image'))
    .addHelpText('after', examples('kame image list', `kame image list --json | jq -r '.[].id'`))
    .action(async () => {
      const images = await session.client.images.list();
      if (session.json) {
        session.printJson(images);
        return;
      }
      session.printTable(
        ['ID', 'NAME', 'ARCH', 'SOURCE', 'SIZE', 'HERE'],
        images.map((image) => [
          image.id,
          image.name,
          image.arch,
          image.source,
          { text: sizeOf(image), align: 'right' },
          image.cached ? 'yes' : '-',
        ]),
      );
    });
}

function definePull(parent: Command, session: Session): void {
  parent
    .command('pull')
    .description('Downloads an image and verifies it. A download that broke off is resumed.')
    .argument('<image>', 'id of `kame image list`')
    .addOption(archOption())
    .option('--json', jsonShape('Image'))
    .addHelpText('after', examples('kame image pull debian-12', 'kame image pull debian-12 --arch x86_64'))
    .action(async (id, { arch }) => {
      const body = { image: id, ...given({ arch }) };
      const image = await session.task(id, (options) => session.client.images.pull(body, options));
      if (session.json) session.printJson(image);
      else session.print(`${image.id} (${image.arch}) is here: ${image.path ?? sizeOf(image)}`);
    });
}

function defineImport(parent: Command, session: Session): void {
  parent
    .command('import')
    .description('Takes a qcow2, raw, vmdk or iso file into the images.')
    .argument('<path>', 'the file')
    .option('--name <name>', 'what it shall be called (default: the name of the file)')
    .option('--json', jsonShape('Image'))
    .addHelpText(
      'after',
      examples('kame image import ./debian.qcow2', 'kame image import ./disk.vmdk --name attic'),
    )
    .action(async (file, { name }) => {
      const body = { path: session.path(file), ...given({ name }) };
      const image = await session.task(file, (options) => session.client.images.import(body, options));
      if (session.json) session.printJson(image);
      else session.print(`${image.id} (${image.arch}) is imported: \`kame create NAME --image ${image.id}\``);
    });
}

function defineDelete(parent: Command, session: Session): void {
  parent
    .command('delete')
    .description('Deletes the copy of an image that lies here. Machines made from it keep their disks.')
    .argument('<image>', 'id of `kame image list`')
    .addOption(archOption())
    .option('--json', jsonShape('{id, deleted: true}'))
    .addHelpText('after', examples('kame image delete debian-12'))
    .action(async (id, { arch }) => {
      await session.client.images.delete(id, given({ arch }));
      if (session.json) session.printJson({ id, deleted: true });
      else session.print(`${id} is deleted`);
    });
}

export function define(program: Command, session: Session): void {
  const image = program
    .command('image')
    .summary('list, download, import and delete images')
    .description('Lists, downloads, imports and deletes the images that machines are made from.')
    .addHelpText('after', examples('kame image list', 'kame image pull debian-12'));
  defineList(image, session);
  definePull(image, session);
  defineImport(image, session);
  defineDelete(image, session);
}
