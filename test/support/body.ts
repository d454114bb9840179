import { operations, type Body, type BodyInput, type OperationName } from '../../src/api/operations.ts';

/** The body of a request as a use case gets it from the daemon: with the defaults of its schema. */
export function body<N extends OperationName>(name: N, input: BodyInput<N>): Body<N> {
  const operation = operations[name];
  if (!('body' in operation)) throw new TypeError(`${name} takes no body.`);
  return operation.body.parse(input) as Body<N>;
}
