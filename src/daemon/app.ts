import type {
  FastifyBaseLogger,
  FastifyInstance,
  RawReplyDefaultExpression,
  RawRequestDefaultExpression,
  RawServerDefault,
} from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import type { Host } from '../vm/host/host.ts';
import type { TaskList } from './tasks.ts';

export type Http = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  ZodTypeProvider
>;

/** What every route needs. */
export interface App {
  /** Routes are relative to `/v1`. */
  readonly http: Http;
  readonly host: Host;
  readonly tasks: TaskList;
  readonly daemon: DaemonFacts;
}

export interface DaemonFacts {
  readonly version: string;
  readonly socket: string;
  readonly startedAt: Date;
  /** Ends the daemon after the answer; machines go on running. */
  readonly requestStop: () => void;
}
