import { expect, it } from 'vitest';
import { sentencesOf } from './sentences.ts';

const trouble = { message: 'web is busy.', next: 'Wait.', isUsualNext: true, machine: 'web' };
const words = { when: '使用中です。', next: '待ってください。' };
const shown = (...args: Parameters<typeof sentencesOf>) =>
  sentencesOf(...args).map(({ text, isOriginal }) => (isOriginal ? `(${text})` : text));

it('shows the words of the daemon where they are in the language of the page', () => {
  expect(shown(trouble, undefined)).toEqual(['web is busy.', 'Wait.']);
  expect(shown({ ...trouble, next: '' }, undefined)).toEqual(['web is busy.']);
});

it('says in another language what happened to which machine, and keeps what the daemon said', () => {
  expect(shown(trouble, words)).toEqual(['web: 使用中です。', '(web is busy.)', '待ってください。']);
});

it('prefers the advice for the case to that for its kind', () => {
  const special = { ...trouble, next: 'End the backup.', isUsualNext: false, machine: undefined };
  expect(shown(special, words)).toEqual(['使用中です。', '(web is busy.)', '(End the backup.)']);
});
