import { buildTiny, type BuildTinyOptions } from '../image/tiny/build.ts';
import { serveWork } from '../sys/helper-process.ts';

// Unpacking a kernel takes some hundred MB for some seconds: in the daemon itself they would stay.
serveWork(async (input, progress) => {
  // Only our own daemon sends it.
  const options = input as Omit<BuildTinyOptions, 'progress'>;
  return await buildTiny({ ...options, progress });
});
