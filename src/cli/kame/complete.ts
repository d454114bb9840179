import { Command, type CommandUnknownOpts, type Option } from '@commander-js/extra-typings';
import {
  knownDisks,
  knownImages,
  knownMachines,
  knownNetworks,
  knownNics,
  knownShares,
  knownSnapshots,
} from '../../client/node/known-names.ts';
import { contentWords } from '../content-type.ts';
import type { Session } from '../session.ts';
import { visible } from '../text.ts';
import { insertable, readBashLine } from './complete-bash.ts';
import { findVerb, verbs } from './verbs.ts';

interface Candidate {
  readonly value: string;
  readonly about?: string;
}

/** Makes the shell complete file names. */
const files: Candidate = { value: ':files' };

function plain(values: readonly string[]): Candidate[] {
  return values.map((value) => ({ value }));
}

/** API paths with the known machines filled in, up to the next parameter. */
async function apiPaths(method: string, session: Session): Promise<Candidate[]> {
  const { namedRoutes } = await import('../api-routes.ts');
  const machines = (await knownMachines(session.passiveClient())).map(encodeURIComponent);
  const paths = namedRoutes
    .filter((route) => route.method === method.toUpperCase() && route.kind !== 'websocket')
    .flatMap(({ path }) =>
      path.includes('{machine}') ? machines.map((machine) => path.replace('{machine}', machine)) : [path],
    );
  return plain([...new Set(paths.map((path) => path.replace(/\{.*/, '')))]);
}

/** What belongs to the machine that the first argument names. */
const knownOf = new Map([
  ['snapshot', knownSnapshots],
  ['disk', knownDisks],
  ['nic', knownNics],
  ['share', knownShares],
]);

/** @param first the first argument: the machine for snapshots, disks and adapters, the method for a path of the API */
async function valuesOf(kind: string, first: string | undefined, session: Session): Promise<Candidate[]> {
  if (kind === 'method') return plain(['GET', 'POST', 'PUT', 'PATCH', 'DELETE']);
  if (kind === 'type') return plain(contentWords);
  if (kind === 'operation-path') return first === undefined ? [] : await apiPaths(first, session);
  const known = knownOf.get(kind);
  if (known)
    return first === undefined ? [] : plain(await known(session.passiveClient(), session.machine(first)));
  if (kind === 'name') return plain(await knownMachines(session.passiveClient()));
  if (kind === 'network') return plain(await knownNetworks(session.passiveClient()));
  if (kind === 'guest')
    return plain((await knownMachines(session.passiveClient())).map((name) => `${name}:`));
  if (kind === 'place')
    return [...(await knownMachines(session.passiveClient())).map((name) => ({ value: `${name}:` })), files];
  if (kind === 'image') return [...plain(await knownImages(session.passiveClient())), files];
  return ['path', 'file', 'file.png', 'command'].includes(kind) ? [files] : [];
}

/** The word in the angle brackets of `--iso <path>`. */
function valueKind(option: Option): string {
  return /<([^>]*)>/.exec(option.flags)?.[1] ?? '';
}

function takesValue(option: Option | undefined): option is Option {
  return option !== undefined && (option.required || option.optional);
}

function optionNamed(command: CommandUnknownOpts, word: string | undefined): Option | undefined {
  if (word === undefined) return undefined;
  return command.options.find((option) => option.long === word || option.short === word);
}

/** The words that are arguments, without options and their values. */
function argumentsIn(command: CommandUnknownOpts, words: readonly string[]): string[] {
  const found: string[] = [];
  let isValue = false;
  let all = false;
  for (const word of words) {
    if (isValue) isValue = false;
    else if (!all && word === '--') all = true;
    else if (!all && word.startsWith('-')) isValue = takesValue(optionNamed(command, word));
    else found.push(word);
  }
  return found;
}

async function argumentValues(
  command: CommandUnknownOpts,
  words: readonly string[],
  session: Session,
): Promise<Candidate[]> {
  const given = argumentsIn(command, words);
  const last = command.registeredArguments.at(-1);
  const argument = command.registeredArguments[given.length] ?? (last?.variadic ? last : undefined);
  if (!argument) return [];
  if (argument.argChoices) return plain(argument.argChoices);
  const values = await valuesOf(argument.name(), given[0], session);
  return argument.variadic ? values.filter(({ value }) => !given.includes(value)) : values;
}

async function inCommand(
  command: CommandUnknownOpts,
  words: readonly string[],
  current: string,
  session: Session,
): Promise<Candidate[]> {
  const sub = command.commands.find(
    (child) => child.name() === words[0] || child.aliases().includes(words[0] ?? ''),
  );
  if (sub) return await inCommand(sub, words.slice(1), current, session);
  const isFirst = words.length === 0 && !current.startsWith('-');
  const subcommands = (isFirst ? command.commands : []).map((child) => ({
    value: child.name(),
    about: child.summary() || child.description(),
  }));
  // A command may have subcommands and arguments, as `tools` has.
  if (subcommands.length > 0) return [...subcommands, ...(await argumentValues(command, words, session))];
  const option = words.includes('--') ? undefined : optionNamed(command, words.at(-1));
  if (takesValue(option)) {
    if (option.argChoices) return plain(option.argChoices);
    return await valuesOf(valueKind(option), argumentsIn(command, words)[0], session);
  }
  if (current.startsWith('-') && !words.includes('--')) {
    return [...command.options, { long: '--help', description: 'print help' }].flatMap(
      ({ long, description }) =>
        long === undefined || long === null ? [] : [{ value: long, about: description }],
    );
  }
  return await argumentValues(command, words, session);
}

async function candidates(words: readonly string[], current: string, session: Session): Promise<Candidate[]> {
  const [first, ...rest] = words;
  if (first === undefined) {
    if (current.startsWith('-')) return plain(['--help', '--version']);
    return verbs.map(({ name, summary }) => ({ value: name, about: summary }));
  }
  const verb = findVerb(first);
  if (!verb) return [];
  const program = new Command('kame');
  (await verb.load()).define(program, session);
  const command = program.commands[0];
  return command ? await inCommand(command, rest, current, session) : [];
}

/** The candidates for the last word that begin with it; `:files` for files. Composed characters are the same as others. */
async function matching(
  words: readonly string[],
  current: string,
  session: Session,
): Promise<readonly Candidate[]> {
  const found = await candidates(words, current, session).catch(() => []);
  const typed = current.normalize('NFC');
  return found.filter(({ value }) => value === files.value || value.normalize('NFC').startsWith(typed));
}

/** Splits `--image=ti` into the option and its value. */
function splitOption(current: string): readonly [option: string, value: string] | undefined {
  const [, option, value] = /^(--[a-z-]+)=(.*)$/s.exec(current) ?? [];
  return option === undefined || value === undefined ? undefined : [option, value];
}

/** What is to be completed: the last word, or the value after the `=` in it, for which `before` is kept. */
interface Target {
  readonly words: readonly string[];
  readonly value: string;
  readonly before: string;
}

function targetOf(words: readonly string[], current: string): Target {
  const split = words.includes('--') ? undefined : splitOption(current);
  if (!split) return { words, value: current, before: '' };
  const [option, value] = split;
  return { words: [...words, option], value, before: `${option}=` };
}

/** Prints what bash is to insert, a line each; `:files`, with what the files begin with and what of it bash keeps. */
async function completeInBash(line: string, breaks: string, session: Session): Promise<void> {
  const { words, current, kept, quote } = readBashLine(line, breaks);
  const { value, before, ...target } = targetOf(words, current);
  for (const found of await matching(target.words, value, session)) {
    if (found.value === files.value) {
      session.context.stdout.write(`${files.value}\t${value}\t${kept.slice(before.length)}\n`);
      continue;
    }
    const whole = `${before}${found.value}`;
    // A name in another Unicode form than the typed one cannot be continued, only replaced.
    if (!whole.startsWith(kept)) continue;
    session.context.stdout.write(`${visible(insertable(whole.slice(kept.length), quote))}\n`);
  }
}

/**
 * `kame __complete WORD…`, for the scripts of `kame completion`: takes the words after `kame` and prints completions of the
 * last one; `kame __complete --bash LINE WORDBREAKS` reads bash's line itself. It never starts a daemon and never reports an
 * error: a completion that fails shows nothing.
 */
export async function complete(given: readonly string[], session: Session): Promise<void> {
  const [first, line, breaks] = given;
  if (first === '--bash' && line !== undefined) {
    await completeInBash(line, breaks ?? '', session);
    return;
  }
  const { words, value: typed, before } = targetOf(given.slice(0, -1), given.at(-1) ?? '');
  for (const { value, about } of await matching(words, typed, session)) {
    const whole = value === files.value ? value : `${before}${value}`;
    session.context.stdout.write(`${visible(whole)}${about ? `\t${visible(about)}` : ''}\n`);
  }
}
