import { errnoOf } from '../core/errors.ts';

/** A request that is answered with an error. The guest reads the text, so it tells nothing of the host but what was asked for. */
export class Refusal extends Error {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** The name of the condition that is not met, in the namespace DAV:, if RFC 4918 has one. */
  readonly condition: string | undefined;

  constructor(
    status: number,
    message: string,
    more: { readonly headers?: Readonly<Record<string, string>>; readonly condition?: string } = {},
  ) {
    super(message);
    this.status = status;
    this.headers = more.headers ?? {};
    this.condition = more.condition;
  }
}

const statusOf: ReadonlyMap<string, readonly [status: number, text: string]> = new Map([
  ['ENOENT', [404, 'There is no such file or folder.']],
  ['ENOTDIR', [404, 'There is no such folder.']],
  ['EISDIR', [405, 'This is a folder.']],
  ['EEXIST', [405, 'It exists already.']],
  ['ENOTEMPTY', [409, 'The folder has content that is not shared, or that came meanwhile.']],
  ['ELOOP', [403, 'Links are not followed.']],
  ['EACCES', [403, 'The host has no permission for this.']],
  ['EPERM', [403, 'The host has no permission for this.']],
  ['EROFS', [403, 'The disk of the host is read-only.']],
  ['EINVAL', [400, 'The host cannot have such a name.']],
  ['EILSEQ', [400, 'The host cannot have such a name.']],
  ['ENAMETOOLONG', [414, 'The name is too long for the host.']],
  ['ECONNRESET', [400, 'The connection has ended before the request did.']],
  ['ENOSPC', [507, 'The disk of the host is full.']],
  ['EDQUOT', [507, 'The disk quota on the host is used up.']],
  ['EFBIG', [507, 'The disk of the host does not take a file so large.']],
]);

/** What an error of the host's files means to the guest. Unknown errors are not told. */
export function refusalOf(error: unknown): Refusal {
  if (error instanceof Refusal) return error;
  const [status, text] = statusOf.get(errnoOf(error) ?? '') ?? [500, 'The host could not do this.'];
  return new Refusal(status, text);
}
