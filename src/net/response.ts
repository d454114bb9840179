import type { Dispatcher } from 'undici';

/** A header that a response has once; undefined otherwise. */
export function header(reply: Dispatcher.ResponseData, name: string): string | undefined {
  const value = reply.headers[name];
  return typeof value === 'string' ? value : undefined;
}

/** The value for If-Range: a strong ETag, otherwise the date. A weak ETag does not guarantee the same bytes. */
export function validatorOf(reply: Dispatcher.ResponseData): string | undefined {
  const etag = header(reply, 'etag');
  return etag !== undefined && !etag.startsWith('W/') ? etag : header(reply, 'last-modified');
}

/** The total size, if the server gives it, and whether the body continues at the end of our part. @throws Error if it is another range */
export function placeOf(
  reply: Dispatcher.ResponseData,
  have: number,
): { continues: boolean; total: number | undefined } {
  if (reply.statusCode === 206) {
    const [, start, total] = /^bytes (\d+)-\d+\/(\d+|\*)$/u.exec(header(reply, 'content-range') ?? '') ?? [];
    if (Number(start) !== have) throw new Error('the server sent a different range than requested');
    return { continues: true, total: total === undefined || total === '*' ? undefined : Number(total) };
  }
  const length = Number(header(reply, 'content-length') ?? Number.NaN);
  return { continues: false, total: Number.isSafeInteger(length) ? length : undefined };
}
