import { KameError } from '../../src/core/errors.ts';
import { serveWork } from '../../src/sys/helper-process.ts';

/** The work of a helper process in tests, chosen by its input. */
serveWork(async (input, progress) => {
  progress.report({ stage: 'working', done: 1, total: 2, unit: 'items' });
  switch (input) {
    case 'refuse':
      throw new KameError('CHECKSUM_MISMATCH', 'The file is another one.', {
        next: 'Ask.',
        details: { bytes: 3 },
      });
    case 'break':
      throw new TypeError('a bug');
    case 'die':
      return process.kill(process.pid, 'SIGKILL');
    case 'wait':
      await new Promise<void>((resolve) => progress.signal.addEventListener('abort', () => resolve()));
      throw new KameError('CANCELLED', 'Cleaned up.');
    default:
      return { pid: process.pid, input };
  }
});
