import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { en, type TextKey } from './en/index.ts';
import { errorKinds, type ErrorCode } from '../../../src/core/error-kinds.ts';
import { errors } from './ja/errors.ts';
import { ja } from './ja/index.ts';
import { stages } from './ja/stages.ts';
import { stageIn } from './en/stages.ts';

const keys = Object.keys(en) as TextKey[];

it('has every text in every language', () => {
  expect(Object.keys(ja).sort()).toEqual([...keys].sort());
  expect(Object.values(ja).filter((text) => text.trim() === '')).toEqual([]);
});

const names = (text: string) => (text.match(/\{\{\w+\}\}/g) ?? []).sort();

it.each(keys)('fills the same values into %s', (key) => {
  expect(names(ja[key])).toEqual(names(en[key]));
});

it('has no text that nothing shows', () => {
  const sources = readdirSync('web/src', { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.tsx') || name.endsWith('.ts'))
    .filter((name) => !name.startsWith('text/'))
    .map((name) => readFileSync(join('web/src', name), 'utf8'))
    .join('\n');
  // Some are put together, such as `ask.${asked}.title`.
  const composed = (sources.match(/`[\w.]+\$\{[\w.]+\}[\w.]*`/g) ?? []).map(
    (text) =>
      new RegExp(
        `^${text
          .slice(1, -1)
          .replaceAll('.', String.raw`\.`)
          .replace(/\$\{[^}]*\}/, '[\\w.-]+')}$`,
      ),
  );
  const shown = (key: string) => {
    const base = key.replace(/_(one|other)$/, '');
    return sources.includes(`'${base}'`) || composed.some((pattern) => pattern.test(base));
  };
  expect(keys.filter((key) => !shown(key))).toEqual([]);
});

const commands = (text: string) => (text.match(/`[^`]+`/g) ?? []).sort();

it('has a text for each error, with the same commands', () => {
  expect(Object.keys(errors).sort()).toEqual(Object.keys(errorKinds).sort());
  for (const code of Object.keys(errorKinds) as ErrorCode[]) {
    expect([code, commands(errors[code].next)]).toEqual([code, commands(errorKinds[code].next)]);
    expect([code, /[ぁ-んァ-ヶ一-龠]/.test(errors[code].when)]).toEqual([code, true]);
  }
});

it('has a text for what the daemon says that it is doing', () => {
  const said = readdirSync('src', { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
    .map((name) => readFileSync(join('src', name), 'utf8'))
    .flatMap((text) => [...text.matchAll(/\bstage(?::| =) (['`])([A-Z][^'`]*)\1/g)])
    .map(([, , stage = '']) => stage.replace(/\$\{[^}]*\}/g, '1'));
  expect(said.length).toBeGreaterThan(30);
  expect(said.filter((stage) => stageIn(stages, stage) === stage)).toEqual([]);
  expect(stageIn(stages, 'Taking the snapshot a of web')).toBe('web のスナップショット a を作成しています');
  expect(stageIn(stages, 'Something new')).toBe('Something new');
});
