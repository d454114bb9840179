import { buildTiny, type BuildTinyOptions } from '../image/tiny/build.ts';
import { serveWork } from '../sys/helper-process.ts';

// Unpacking a kernel takes some hundred MB for a few seconds. The daemon itself would keep that memory.
serveWork(async (input, progress) => {
  // Only Kame's own daemon sends this message.
  const options = input as Omit<BuildTinyOptions, 'progress'>;
  return await buildTiny({ ...options, progress });
});
