import { main } from '../daemon/main.ts';
import { threadProgram } from './thread-program.ts';

const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'mjs';
const helper = (name: string) => new URL(`${name}.${extension}`, import.meta.url);
process.exit(
  await main(process.argv.slice(2), {
    tinyBuilder: helper('tiny-builder'),
    memoryCopier: threadProgram(helper('memory-copier')),
    inflater: threadProgram(helper('inflater')),
    networkSwitch: helper('network-switch'),
    certificateMaker: helper('certificate-maker'),
    // From the sources, those of the last build.
    webFiles: new URL(extension === 'ts' ? '../../dist/web' : 'web', import.meta.url),
  }),
);
