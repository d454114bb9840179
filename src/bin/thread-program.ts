/**
 * The module to start as a thread for one of the programs in this directory. Node does not hand the loader of TypeScript on to
 * threads: from the sources, a first module loads it and then the program.
 * @param file the program, as built or in the sources
 */
export function threadProgram(file: URL): URL {
  if (!file.pathname.endsWith('.ts')) return file;
  const first = [
    `import { register } from ${JSON.stringify(import.meta.resolve('tsx/esm/api'))};`,
    'register();',
    `await import(${JSON.stringify(file.href)});`,
  ];
  return new URL(`data:text/javascript,${encodeURIComponent(first.join('\n'))}`);
}
