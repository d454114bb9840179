const maxPath = 4096;

/** Control characters, and others that show nothing or turn text around. */
export function hasControls(text: string): boolean {
  return /[\p{Cc}\u202A-\u202E\u2066-\u2069]/u.test(text);
}

/** Whether the text can be a path of a file: not empty, not too long, nothing unprintable. */
export function plainPath(text: string): boolean {
  return text.trim() !== '' && text.length <= maxPath && !/\p{Cc}/u.test(text);
}

/**
 * Whether the path stays inside of the machine's bundle: relative, without `..`. A `.vmx` from somewhere else must not
 * have the engine read or write other files of the user by these keys.
 */
export function bundleFile(text: string): boolean {
  if (!plainPath(text) || /^(?:[/\\~]|[A-Za-z]:)/.test(text)) return false;
  return !text.split(/[/\\]/).includes('..');
}

/** Whether the path starts at a root, on any host. */
export function absolutePath(text: string): boolean {
  return plainPath(text) && /^(?:\/|\\\\|[A-Za-z]:[\\/])/.test(text);
}
