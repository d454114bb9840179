import type { FastifySchemaCompiler, FastifySerializerCompiler } from 'fastify';
import type * as z from 'zod';
import { KameError } from '../core/errors.ts';

/** What a request got wrong, as one sentence that names the fields. */
function malformed({ issues }: z.ZodError): KameError {
  const parts = issues.map(({ path, message }) =>
    path.length === 0 ? message : `${path.join('.')}: ${message}`,
  );
  return new KameError('USAGE', `The request is malformed: ${parts.join('; ')}.`);
}

/** Checks a part of a request: what a schema does not know is refused or left out, what it has defaults for is filled in. */
export const compileValidator: FastifySchemaCompiler<z.ZodType> =
  ({ schema }) =>
  (data: unknown) => {
    const parsed = schema.safeParse(data);
    return parsed.success ? { value: parsed.data } : { error: malformed(parsed.error) };
  };

/** Cuts an answer to its schema, so that nothing leaks. @throws ZodError for an answer that is not what it must be */
export const compileSerializer: FastifySerializerCompiler<z.ZodType> =
  ({ schema }) =>
  (data: unknown) =>
    JSON.stringify(schema.parse(data));
