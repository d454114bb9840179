import type * as z from 'zod';
import type { Client } from '../../client/core/client.ts';

/** The media type of bodies, in both directions. */
export const mediaType = 'application/vnd.vmware.vmw.rest-v1+json';

/** What vmrest says of errors besides 500. */
export type ErrorStatus = 400 | 401 | 403 | 404 | 406 | 409;

/** One operation of vmrest: what its routing, validation, document and tests derive from. */
export interface Operation {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Below `/api`. Names in braces are parameters. */
  readonly path: `/${string}`;
  readonly tag: string;
  readonly summary: string;
  /** The status of success. 204 has no body. */
  readonly status: 200 | 201 | 204;
  readonly body?: z.ZodType;
  /** Whether the body is bare text, not JSON. */
  readonly text?: true;
  readonly result?: z.ZodType;
  /** The errors that the document names; each can also be a 500. */
  readonly errors: readonly ErrorStatus[];
  /** It is in no document of the present version, only served to older clients. */
  readonly old?: true;
}

type ParamsIn<Path> = Path extends `${string}{${infer Name}}${infer Rest}` ? Name | ParamsIn<Rest> : never;

/** What an operation has to do its work. */
export interface Call<O extends Operation> {
  readonly client: Client;
  readonly signal: AbortSignal;
  /** Decoded. */
  readonly params: Readonly<Record<ParamsIn<O['path']>, string>>;
  readonly body: O extends { readonly body: infer Body extends z.ZodType } ? z.output<Body> : undefined;
}

type ResultOf<O extends Operation> = O extends { readonly result: infer Result extends z.ZodType }
  ? z.input<Result>
  : undefined;

/** Does an operation. @throws KameError, VmrestError */
export type Handler<O extends Operation> = (call: Call<O>) => Promise<ResultOf<O>>;
