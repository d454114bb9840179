import { watch } from 'node:fs';
import { deferred } from '../../src/core/deferred.ts';

/**
 * Acts in the moment in which a file of that name comes, goes or is replaced in a directory: the first time.
 * @returns what resolves when it has happened; disposing stops the watch
 */
export function atFileEvent(
  directory: string,
  name: RegExp,
  act: () => void,
): { readonly happened: Promise<void> } & Disposable {
  const { promise, resolve } = deferred();
  const watcher = watch(directory, (_type, file) => {
    if (file === null || !name.test(file)) return;
    watcher.close();
    act();
    resolve();
  });
  return { happened: promise, [Symbol.dispose]: () => watcher.close() };
}
