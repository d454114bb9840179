import type { Image } from '../../../src/api/generated/shapes.ts';
import { client } from '../data/client.ts';
import { queries } from '../data/machines.ts';
import { useKeptTask } from '../machine/kept-task.ts';
import type { TaskRunner } from '../machine/task.ts';
import { newPage } from '../machine/addresses.ts';
import { useText } from '../text/text.ts';

export interface Upload extends TaskRunner<'upload'> {
  /** Sends a file of this browser's computer to the images of the daemon. */
  readonly send: (file: File) => void;
}

/** Sends image files, one at a time. A file that was sent in part before goes on from there. */
export function useUpload(done: (image: Image) => void): Upload {
  const { say } = useText();
  const task = useKeptTask<'upload'>('upload', {
    ...{ title: say('new.title'), page: newPage },
    what: () => say('new.uploading'),
  });
  const send = (file: File) =>
    task.run('upload', async ({ onProgress, signal }) => {
      const { name, size, lastModified } = file;
      const image = await client.images.upload(
        { name, sizeBytes: size, modifiedMs: lastModified },
        {
          read: async (from, to) => new Uint8Array(await file.slice(from, to).arrayBuffer()),
          progress: (bytes) => onProgress?.({ stage: name, done: bytes, total: size, unit: 'bytes' }),
          importing: (stage) => onProgress?.({ stage }),
          signal,
        },
      );
      await queries.invalidateQueries({ queryKey: ['images'] });
      done(image);
      return say('new.uploaded', { name: image.name });
    });
  return { ...task, send };
}
