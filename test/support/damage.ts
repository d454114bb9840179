import { copyFile, open, readFile, rename, writeFile } from 'node:fs/promises';

/** Changes a file for the time of `work`. */
export async function damaged(
  path: string,
  change: () => Promise<unknown>,
  work: () => Promise<void>,
): Promise<void> {
  await copyFile(path, `${path}.whole`);
  try {
    await change();
    await work();
  } finally {
    await rename(`${path}.whole`, path);
  }
}

export async function changeJson(
  path: string,
  change: (value: Record<string, unknown>) => void,
): Promise<void> {
  const value = JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>;
  change(value);
  await writeFile(path, JSON.stringify(value));
}

export async function overwrite(path: string, position: number, bytes: Buffer): Promise<void> {
  await using file = await open(path, 'r+');
  await file.write(bytes, 0, bytes.length, position);
}
