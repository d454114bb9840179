import { serveInflating } from '../sys/inflate-threads.ts';

serveInflating();
