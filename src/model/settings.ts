import { KameError } from '../core/errors.ts';
import { suggest } from '../core/suggest.ts';
import { edit, foldKey, type VmxDocument } from '../vmx/document.ts';
import { isPlainKey, suggestKey } from './known-keys.ts';
import { refused, shown, type ModelProblem } from './problem.ts';
import { readModel } from './read.ts';
import { protectionOf, removableKeys } from './protected-keys.ts';
import { settingList } from './setting-list.ts';
import type { Changes, Setting } from './setting.ts';
import { validateModel } from './validate.ts';

/** One `key=value` of `kame set`. */
export interface SettingChange {
  /** A name in settingList, or any key of the `.vmx`. */
  readonly key: string;
  /** Empty to restore the default of a setting, or to delete a key. */
  readonly value: string;
}

const settingsByName = new Map(settingList.map((setting) => [setting.name, setting]));

function problem(severity: ModelProblem['severity'], change: SettingChange, message: string): ModelProblem {
  return { severity, key: shown(change.key), value: shown(change.value), allowed: '', message };
}

function protection({ key, value }: SettingChange): string | undefined {
  const folded = foldKey(key);
  if (value === '' && removableKeys.has(folded)) return undefined;
  return protectionOf(folded);
}

function unknown(change: SettingChange): ModelProblem {
  const names = settingList.map((setting) => setting.name);
  const meant = suggest(change.key, names) ?? suggestKey(change.key);
  const hint =
    meant === undefined
      ? `The settings are ${names.join(', ')}, and any key of the .vmx.`
      : `Did you mean ${meant}?`;
  return problem('error', change, `"${shown(change.key)}" is not a setting. ${hint}`);
}

/** The message of a KameError, with its advice if that is specific. Any other error is a bug, and thrown again. */
function sentenceOf(error: unknown): string {
  if (!(error instanceof KameError)) throw error;
  return error.next === error.kind.next ? error.message : `${error.message} ${error.next}`;
}

function settingChanges(setting: Setting, value: string, doc: VmxDocument): Changes {
  return value === '' && !setting.allowsEmpty
    ? new Map(setting.keys.map((key) => [key, null]))
    : setting.changes(value, doc);
}

/** The changes that one `key=value` makes to the file, or why it makes none. */
function interpret(
  change: SettingChange,
  doc: VmxDocument,
): { changes: Changes; problems: readonly ModelProblem[] } {
  const none: Changes = new Map();
  const reason = protection(change);
  if (reason !== undefined) {
    const message = `${shown(change.key)} cannot be set: ${reason}.`;
    return { changes: none, problems: [problem('error', change, message)] };
  }
  const setting = settingsByName.get(change.key.toLowerCase());
  try {
    if (setting) return { changes: settingChanges(setting, change.value, doc), problems: [] };
  } catch (error) {
    return { changes: none, problems: [problem('error', change, sentenceOf(error))] };
  }
  if (!isPlainKey(change.key) && !change.key.includes('.'))
    return { changes: none, problems: [unknown(change)] };
  const meant = suggestKey(change.key);
  const hint = `${shown(change.key)} is not a known key. Did you mean ${meant ?? ''}?`;
  return {
    changes: new Map([[change.key, change.value === '' ? null : change.value]]),
    problems: meant === undefined ? [] : [problem('warning', change, hint)],
  };
}

function identityOf({ key, value, message }: ModelProblem): string {
  return JSON.stringify([foldKey(key), value, message]);
}

function problemsOf(doc: VmxDocument): ModelProblem[] {
  const { model, problems } = readModel(doc);
  return [...problems, ...validateModel(model)];
}

/**
 * The problems that an edit introduces: existing ones do not prevent a change. A value that the reader would replace
 * with a default is an error here, since the machine would not get what the user asked for.
 */
function newProblems(before: VmxDocument, after: VmxDocument): ModelProblem[] {
  const old = new Set(problemsOf(before).map(identityOf));
  return problemsOf(after)
    .filter((found) => !old.has(identityOf(found)))
    .map((found) =>
      found.allowed === '' || found.severity === 'error'
        ? found
        : refused(found.key, found.value, found.allowed),
    );
}

function archProblem(before: VmxDocument, after: VmxDocument): ModelProblem[] {
  const [was, is] = [readModel(before).model, readModel(after).model];
  if (was.arch === is.arch) return [];
  const allowed = was.arch === 'aarch64' ? 'an id that starts with arm-' : 'an id without arm-';
  const message = `guestOS is "${shown(is.guestOS)}"; it must be ${allowed}, because the system on the disk is for ${was.arch}.`;
  return [{ severity: 'error', key: 'guestOS', value: shown(is.guestOS), allowed, message }];
}

/**
 * Applies `key=value` pairs to a `.vmx`. The result is read and validated; if that, a value or a protected key is a
 * problem of severity `error`, the returned `doc` is the original document. Show warnings to the user.
 */
export function applySettings(
  doc: VmxDocument,
  settings: readonly SettingChange[],
): { doc: VmxDocument; problems: ModelProblem[] } {
  const changes = new Map<string, string | null>();
  const problems: ModelProblem[] = [];
  for (const change of settings) {
    const result = interpret(change, doc);
    problems.push(...result.problems);
    for (const [key, value] of result.changes) changes.set(key, value);
  }
  if (problems.some((found) => found.severity === 'error')) return { doc, problems };
  const edited = tryEdit(doc, changes);
  if (!('lines' in edited)) return { doc, problems: [...problems, edited] };
  problems.push(...archProblem(doc, edited), ...newProblems(doc, edited));
  return problems.some((found) => found.severity === 'error') ? { doc, problems } : { doc: edited, problems };
}

function tryEdit(doc: VmxDocument, changes: Changes): VmxDocument | ModelProblem {
  try {
    return edit(doc, changes);
  } catch (error) {
    const [key, value] = [...changes][0] ?? ['', ''];
    return problem('error', { key, value: value ?? '' }, sentenceOf(error));
  }
}
