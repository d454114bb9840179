import type { FastifyInstance } from 'fastify';
import type { Services } from './handlers/handler.ts';
import type { TaskList } from './tasks.ts';

/** The server and the services that its routes use. */
export interface App extends Omit<Services, 'principal'> {
  /** Routes are relative to `/v1`. */
  readonly http: FastifyInstance;
  readonly tasks: TaskList;
}
