import { main } from '../daemon/main.ts';

const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'mjs';
process.exit(await main(process.argv.slice(2), new URL(`tiny-builder.${extension}`, import.meta.url)));
