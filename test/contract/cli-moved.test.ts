import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { bodies, daemon, result, run, useDaemon } from './cli-run.ts';
import { demoDetails, demoStarted } from './cli-samples.ts';
import { json, lines } from './cli-support.ts';

useDaemon();

const problem = {
  code: 'MOVED_OR_COPIED',
  message: '/a/demo.vmx and /b/demo.vmx have the same UUID: one is a copy.',
  next: 'Use --copied or --moved.',
  details: { machine: 'de\u001bmo' },
};
const atKeyboard = (text: string) => {
  const stdin = Object.assign(new PassThrough(), { isTTY: true });
  stdin.end(text);
  return { stdin, tty: true };
};
const start = 'POST /v1/machines/demo/start';

/** The daemon asks until it gets an answer. */
function asks(): void {
  const isAnswered = (body: unknown) => (body as { movedOrCopied?: string }).movedOrCopied !== undefined;
  daemon.on(start, (response, request) =>
    (isAnswered(request.body) ? result(demoStarted) : lines({ type: 'error', error: problem }))(
      response,
      request,
    ),
  );
  daemon.on('POST /v1/machines/register', (response, request) =>
    (isAnswered(request.body) ? json(demoDetails) : json(problem, 409))(response, request),
  );
}

describe('moved or copied?', () => {
  it.each([
    ['start', ['start', 'demo']],
    ['register', ['register', '/b/demo.vmx']],
  ])('is asked at the terminal by %s, and the command continues with the answer', async (_verb, words) => {
    asks();
    const { code, stderr } = await run(words, atKeyboard('Copied\n'));
    expect(code).toBe(0);
    expect(stderr).toContain(`${problem.message}\nDid you move de\\x1bmo or copy it? [moved/copied] `);
    expect(bodies()).toMatchObject([{}, { movedOrCopied: 'copied' }]);
  });

  it('fails without a terminal, and for any other answer', async () => {
    asks();
    for (const options of [{}, atKeyboard('perhaps\n')]) {
      const { code, stderr } = await run(['start', 'demo'], options);
      expect(code).toBe(4);
      expect(stderr).toContain(`kame: ${problem.message}\n  Use --copied or --moved.\n`);
    }
    expect(bodies()).toHaveLength(2);
  });

  it('is answered by an option, but not by both', async () => {
    asks();
    expect((await run(['start', 'demo', '--moved'])).code).toBe(0);
    expect((await run(['register', '/b/demo.vmx', '--copied'])).code).toBe(0);
    expect((await run(['start', 'demo', '--moved', '--copied'])).stderr).toContain('contradict each other');
    expect(bodies()).toMatchObject([{ movedOrCopied: 'moved' }, { movedOrCopied: 'copied' }]);
  });
});
