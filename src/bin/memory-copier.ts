import { serveCopies } from '../sys/copy-threads.ts';

serveCopies();
