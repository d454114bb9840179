import type { FastifyRequest } from 'fastify';
import * as z from 'zod';
import { environmentHeader, maxEnvironmentBytes, requestVariables } from '../api/protocol.ts';
import { KameError } from '../core/errors.ts';
import type { Host } from '../vm/host/host.ts';

const variables = z.partialRecord(z.enum(requestVariables), z.string());

function parse(header: string | readonly string[]): Readonly<Record<string, string | undefined>> {
  try {
    if (typeof header === 'string' && header.length <= maxEnvironmentBytes)
      return variables.parse(JSON.parse(header));
  } catch {
    // Reported below.
  }
  throw new KameError(
    'USAGE',
    `The header ${environmentHeader} is malformed: it must be a JSON object of ${requestVariables.join(', ')}.`,
  );
}

/**
 * The host with the environment of the command that sent a request: of the variables that it can send, those that it has. A
 * request without the header has the environment of the daemon.
 * @throws KameError USAGE when the header is malformed
 */
export function hostFor(host: Host, request: Pick<FastifyRequest, 'headers'>): Host {
  const header = request.headers[environmentHeader];
  if (header === undefined) return host;
  const given = parse(header);
  const env = { ...host.env, ...Object.fromEntries(requestVariables.map((name) => [name, given[name]])) };
  return { ...host, env };
}
