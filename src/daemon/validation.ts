import type { FastifySchemaCompiler, FastifySerializerCompiler } from 'fastify';
import type * as z from 'zod';
import { KameError } from '../core/errors.ts';

/** The error for a malformed request, in one sentence that names the fields. */
function malformed({ issues }: z.ZodError): KameError {
  const parts = issues.map(({ path, message }) =>
    path.length === 0 ? message : `${path.join('.')}: ${message}`,
  );
  return new KameError('USAGE', `The request is malformed: ${parts.join('; ')}.`);
}

/** Validates a part of a request: unknown fields are refused or removed, and defaults are filled in. */
export const compileValidator: FastifySchemaCompiler<z.ZodType> =
  ({ schema }) =>
  (data: unknown) => {
    const parsed = schema.safeParse(data);
    return parsed.success ? { value: parsed.data } : { error: malformed(parsed.error) };
  };

/** Removes fields that are not in the schema of a reply, so that nothing leaks. @throws ZodError if the reply is not valid */
export const compileSerializer: FastifySerializerCompiler<z.ZodType> =
  ({ schema }) =>
  (data: unknown) =>
    JSON.stringify(schema.parse(data));
