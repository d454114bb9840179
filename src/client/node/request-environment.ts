import { environmentHeader, maxEnvironmentBytes, requestVariables } from '../../api/protocol.ts';
import { KameError } from '../../core/errors.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** JSON in ASCII: a header has no other characters. */
function asciiJson(value: unknown): string {
  return JSON.stringify(value).replace(
    /[^\x20-\x7e]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/**
 * The header that sends a command's environment with its requests.
 * @throws KameError USAGE when the variables are too long for a request
 */
export function environmentHeaders(env: Environment): Record<string, string> {
  const present = requestVariables.flatMap((name) => {
    const value = env[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  const text = asciiJson(Object.fromEntries(present));
  if (text.length <= maxEnvironmentBytes) return { [environmentHeader]: text };
  throw new KameError(
    'USAGE',
    `The environment variables ${present.map(([name]) => name).join(', ')} have ${text.length} bytes in all; at most ${maxEnvironmentBytes} are possible.`,
    { next: 'Shorten PATH or no_proxy for this command.' },
  );
}
