import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { useTemporaryDirectory } from '../../../test/support/temporary-directory.ts';
import { stageIn, sweepStages } from './copy-stage.ts';

const directory = useTemporaryDirectory();

/** A stage with a file in it, and where it is recorded. */
async function makeStage() {
  const [home, target] = [directory(), directory()];
  const stage = await stageIn(target, home);
  writeFileSync(join(stage.path, 'part'), 'of a file');
  const [name = ''] = readdirSync(join(home, 'copies'));
  const record = join(home, 'copies', name);
  /** As after a kill: the process of the record is another one, or has ended. */
  const abandon = () => {
    const text = readFileSync(record, 'utf8');
    writeFileSync(record, text.replace(/"birth":"[^"]*"/u, '"birth":"another"'));
  };
  return { home, target, stage, record, abandon };
}

describe('the stage of a copy', () => {
  it('leaves nothing', async () => {
    const { target, stage, record } = await makeStage();
    await stage[Symbol.asyncDispose]();
    expect([readdirSync(target), existsSync(record)]).toEqual([[], false]);
  });

  it('of a process that was killed is removed by the next copy', async () => {
    const { home, target, record, abandon } = await makeStage();
    abandon();
    await sweepStages(home);
    expect([readdirSync(target), existsSync(record)]).toEqual([[], false]);
  });

  it('of a process that runs stays', async () => {
    const { home, stage, record } = await makeStage();
    await sweepStages(home);
    expect([existsSync(join(stage.path, 'part')), existsSync(record)]).toEqual([true, true]);
  });

  it('that was never made, or is gone, is forgotten', async () => {
    const { home, stage, record, abandon } = await makeStage();
    renameSync(stage.path, `${stage.path}-moved`);
    abandon();
    await sweepStages(home);
    expect([existsSync(record), existsSync(`${stage.path}-moved/part`)]).toEqual([false, true]);
  });

  it('is not followed when it is a link', async () => {
    const { home, stage, record, abandon } = await makeStage();
    const precious = join(directory(), 'precious');
    renameSync(stage.path, precious);
    symlinkSync(precious, stage.path);
    abandon();
    await sweepStages(home);
    expect([existsSync(join(precious, 'part')), existsSync(record)]).toEqual([true, true]);
  });

  it.each([
    ['names another directory', (path: string) => JSON.stringify({ path, process: { pid: 1, birth: 'x' } })],
    ['is damaged', () => '{"path":'],
    ['is no object', () => 'null'],
    ['has no process', (path: string) => JSON.stringify({ path: join(path, '.kame-copy-0123456789ab') })],
  ])('is not removed for a record that %s', async (_what, textOf) => {
    const [home, precious] = [directory(), directory()];
    mkdirSync(join(home, 'copies'));
    mkdirSync(join(precious, '.kame-copy-0123456789ab'));
    writeFileSync(join(home, 'copies/0123456789ab.json'), textOf(precious));
    writeFileSync(join(home, 'copies/readme.txt'), 'mine');
    await sweepStages(home);
    expect(readdirSync(precious)).toEqual(['.kame-copy-0123456789ab']);
    expect(readdirSync(join(home, 'copies'))).toEqual(['readme.txt']);
  });
});
