import { main } from '../daemon/main.ts';

process.exit(await main(process.argv.slice(2)));
