import { open } from 'node:fs/promises';
import { onTestFinished, vi } from 'vitest';

/** Lets everything that is appended to files go to a disk which is full after so many writes, until the test has ended. */
export async function fillDiskAfter(writes: number): Promise<void> {
  await using handle = await open('/dev/null');
  const prototype = Object.getPrototypeOf(handle) as Pick<typeof handle, 'appendFile'>;
  const append = prototype.appendFile;
  let left = writes;
  const spy = vi.spyOn(prototype, 'appendFile').mockImplementation(async function (
    this: typeof handle,
    ...given
  ) {
    left -= 1;
    if (left < 0)
      throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
    await append.apply(this, given);
  });
  onTestFinished(() => spy.mockRestore());
}
