import { makeCertificate } from '../daemon/web/self-signed.ts';
import { serveWork } from '../sys/helper-process.ts';

// What writes certificates takes half a second to load and 25 MB, once in a year. The daemon itself would keep that memory.
// Only Kame's own daemon sends this message.
serveWork(async (input) => await makeCertificate(input as readonly string[]));
