import { main } from '../daemon/main.ts';

await main(process.argv.slice(2));
