import type { Command, Invocation, Login } from './command.ts';
import { VmrunError } from './vmrun-error.ts';

/** Reads command lines of vmrun. Pure. */

/** Flags before the command, each with a value. Those of other products and of encrypted machines are accepted and not used. */
const flags = new Set(['-t', '-h', '-p', '-u', '-vp', '-gu', '-gp']);

const folded = (text: string): string => text.toLowerCase();

interface Flags {
  readonly login: Login | undefined;
  /** The index of the command. */
  readonly end: number;
}

/**
 * `-P` (port) and `-p` (password) differ by their case only, and neither is used. A flag without a value is the end of the line.
 * @throws VmrunError for an unknown flag
 */
function readFlags(argv: readonly string[]): Flags {
  const values = new Map<string, string>();
  let at = 0;
  for (; argv[at]?.startsWith('-') === true; at += 2) {
    const flag = folded(argv[at] ?? '');
    if (!flags.has(flag)) throw new VmrunError(`Unrecognized flag: ${argv[at]}`);
    values.set(flag, argv[at + 1] ?? '');
  }
  const user = values.get('-gu');
  const password = values.get('-gp');
  const login = user === undefined && password === undefined ? undefined : { user, password };
  return { login: login && { user: login.user ?? '', password: login.password ?? '' }, end: at };
}

/** Takes the words from the beginning that a command allows there. */
function takeLeading(
  command: Command,
  given: readonly string[],
): { words: string[]; after: readonly string[] } {
  const allowed = new Set((command.leading ?? []).map(folded));
  let at = 0;
  while (at < given.length && allowed.has(folded(given[at] ?? ''))) at += 1;
  return { words: given.slice(0, at).map(folded), after: given.slice(at) };
}

/** Reads `-name=value` and `-name value` of the options that a command has. */
function readOptions(command: Command, given: readonly string[]): Map<string, string> {
  const names = new Set((command.options ?? []).map(([name]) => folded(name)));
  const values = new Map<string, string>();
  for (const [at, text] of given.entries()) {
    const equals = text.indexOf('=');
    const name = folded(equals < 0 ? text : text.slice(0, equals));
    if (!names.has(name)) continue;
    const value = equals < 0 ? given[at + 1] : text.slice(equals + 1);
    if (value !== undefined) values.set(name, value);
  }
  return values;
}

/** The words of a command among what follows its arguments: clients write `"hard nogui"` as one argument too. */
function readWords(command: Command, given: readonly string[]): string[] {
  const allowed = new Set((command.words ?? []).flat().map(folded));
  return given
    .flatMap((text) => text.split(/\s+/u))
    .map(folded)
    .filter((word) => allowed.has(word));
}

/** @throws VmrunError when arguments are missing */
function readArguments(command: Command, given: readonly string[]): Omit<Invocation, 'command' | 'login'> {
  const vmx = command.machine ? given[0] : undefined;
  const more = command.machine ? given.slice(1) : given;
  if (command.machine && (vmx === undefined || vmx === '')) throw new VmrunError('No Vm name provided');
  const leading = takeLeading(command, more);
  const labels = command.args ?? [];
  const required = labels.length - (command.optionalArgs ?? 0);
  if (leading.after.length < required)
    throw new VmrunError(
      'Insufficient parameters',
      `${command.name} needs: ${labels.slice(0, required).join(', ')}.`,
    );
  const args = leading.after.slice(0, labels.length);
  const after = leading.after.slice(labels.length);
  if (command.rest !== undefined) {
    return { vmx, args: [...args, ...after], words: new Set(leading.words), options: new Map() };
  }
  const words = new Set([...leading.words, ...readWords(command, after)]);
  return { vmx, args, words, options: readOptions(command, after) };
}

/**
 * Reads a command line, without the name of the program. Names of commands, flags, words and options may be in any case.
 * @returns undefined without a command, for which vmrun prints its usage
 * @throws VmrunError for an unknown command or flag, and when arguments are missing
 */
export function parse(argv: readonly string[], commands: readonly Command[]): Invocation | undefined {
  const { login, end } = readFlags(argv);
  const name = argv[end];
  if (name === undefined) return undefined;
  const command = commands.find((each) => folded(each.name) === folded(name));
  if (!command) throw new VmrunError(`Unrecognized command: ${name}`);
  return { command, login, ...readArguments(command, argv.slice(end + 1)) };
}
