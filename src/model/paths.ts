const maxPath = 4096;

/** Whether a text contains control characters, or others that are invisible or change the direction of text. */
export function hasControls(text: string): boolean {
  return /[\p{Cc}\u202A-\u202E\u2066-\u2069]/u.test(text);
}

/** Whether a text can be the path of a file: not empty, not too long, printable. */
export function plainPath(text: string): boolean {
  return text.trim() !== '' && text.length <= maxPath && !/\p{Cc}/u.test(text);
}

/**
 * Whether a path stays inside the bundle: relative, without `..`. An untrusted `.vmx` must not make the engine read or
 * write other files of the user.
 */
export function bundleFile(text: string): boolean {
  if (!plainPath(text) || /^(?:[/\\~]|[A-Za-z]:)/.test(text)) return false;
  return !text.split(/[/\\]/).includes('..');
}

/** Whether a path is absolute, on any host. */
export function absolutePath(text: string): boolean {
  return plainPath(text) && /^(?:\/|\\\\|[A-Za-z]:[\\/])/.test(text);
}
