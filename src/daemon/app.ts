import type { FastifyInstance } from 'fastify';
import type { Services } from './handlers/handler.ts';
import type { TaskList } from './tasks.ts';

/** What the routes need. */
export interface App extends Services {
  /** Routes are relative to `/v1`. */
  readonly http: FastifyInstance;
  readonly tasks: TaskList;
}
