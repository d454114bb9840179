import { describe, expect, it } from 'vitest';
import { errorToBody } from '../../api/error-body.ts';
import { KameError } from '../../core/errors.ts';
import { errorFromBody } from './errors.ts';

describe('errors over the wire', () => {
  it('arrive as they were sent', () => {
    const sent = new KameError('DISK_FULL', 'No room.', { next: 'Free 3 bytes.', details: { bytes: 3 } });
    const received = errorFromBody(JSON.parse(JSON.stringify(errorToBody(sent))));
    expect(received).toMatchObject({
      code: 'DISK_FULL',
      message: 'No room.',
      next: 'Free 3 bytes.',
      details: { bytes: 3 },
    });
  });

  it.each([[undefined], [null], ['text'], [{ code: 'USAGE' }], [{ code: 3, message: 'x' }]])(
    '%j is no error body',
    (body) => {
      expect(errorFromBody(body, 500)).toMatchObject({
        code: 'INTERNAL',
        message: expect.stringContaining('500'),
      });
    },
  );

  it('with an unknown code, or the name of a member of every object, are internal', () => {
    for (const code of ['FUTURE', 'constructor', '__proto__']) {
      expect(errorFromBody({ code, message: 'x', details: { a: {}, b: true } })).toMatchObject({
        code: 'INTERNAL',
        message: 'x',
        details: { b: true },
      });
    }
  });

  it('that were not foreseen are internal', () => {
    expect(errorToBody(new TypeError('oops'))).toMatchObject({ code: 'INTERNAL', message: 'oops' });
  });
});
