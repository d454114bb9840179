import { describe, expect, it } from 'vitest';
import { errorKinds, type ErrorCode, type ErrorKind } from './error-kinds.ts';
import { errnoOf, KameError, messageOf } from './errors.ts';

describe('the list of errors', () => {
  it.each(Object.entries<ErrorKind>(errorKinds))(
    '%s has an HTTP error status and whole sentences',
    (code, kind) => {
      expect(code).toMatch(/^[A-Z]+(_[A-Z]+)*$/);
      expect(kind.http).toBeGreaterThanOrEqual(400);
      expect(kind.http).toBeLessThan(600);
      for (const sentence of [kind.when, kind.next]) expect(sentence).toMatch(/^[A-Z`].*\.$/);
    },
  );

  it('uses every exit code except success', () => {
    const exits = new Set(Object.values<ErrorKind>(errorKinds).map(({ exit }) => exit));
    expect(exits).toEqual(new Set([1, 2, 3, 4, 5]));
  });
});

describe('KameError', () => {
  it('has the advice of its kind unless it is given its own', () => {
    expect(new KameError('BUSY', 'demo is in use.').next).toBe(errorKinds.BUSY.next);
    expect(new KameError('BUSY', 'demo is in use.', { next: 'Stop process 7.' }).next).toBe(
      'Stop process 7.',
    );
  });

  it('carries code, kind, details and cause', () => {
    const cause = new Error('inner');
    const error = new KameError('DISK_FULL', 'The disk is full.', {
      cause,
      details: { path: '/x', bytes: 5 },
    });
    expect(error).toMatchObject({
      name: 'KameError',
      code: 'DISK_FULL',
      message: 'The disk is full.',
      cause,
    });
    expect(error.details).toEqual({ path: '/x', bytes: 5 });
    expect(error.kind).toBe(errorKinds.DISK_FULL);
  });

  it('has no cause when none is given', () => {
    const code: ErrorCode = 'INTERNAL';
    expect('cause' in new KameError(code, 'x')).toBe(false);
  });
});

describe('a thrown value', () => {
  it('has a code only when it is a system error', () => {
    expect(errnoOf(Object.assign(new Error('no'), { code: 'ENOENT' }))).toBe('ENOENT');
    expect(errnoOf(Object.assign(new Error('no'), { code: 7 }))).toBeUndefined();
    expect(errnoOf({ code: 'ENOENT' })).toBeUndefined();
    expect(errnoOf(undefined)).toBeUndefined();
  });

  it('has a message, whatever it is', () => {
    expect(messageOf(new Error('words'))).toBe('words');
    expect(messageOf('words')).toBe('words');
    expect(messageOf(null)).toBe('null');
  });
});
