import { describe, expect, it } from 'vitest';
import { parseVmx, printVmx } from '../../../src/vmx/document.ts';
import { applySettings } from '../../../src/model/settings.ts';
import { changesBetween, differences, groups, restored, review, valuesIn } from './draft.ts';

const file = (...lines: string[]) => parseVmx(new TextEncoder().encode(`${lines.join('\n')}\n`));
const machine = file(
  '.encoding = "UTF-8"',
  'guestOS = "arm-debian12-64"',
  'numvcpus = "2"',
  'memsize = "512"',
  'annotation = "web"',
);

describe('a draft of settings', () => {
  it('says which keys a change of a setting changes', () => {
    const { differences: found, problems } = review(machine, [{ key: 'memory', value: '1 GiB' }]);
    expect(problems).toEqual([]);
    expect(found).toEqual([{ key: 'memsize', before: '512', after: '1024' }]);
  });

  it('says what is wrong with a value before it is sent', () => {
    const { differences: found, problems } = review(machine, [{ key: 'cpus', value: '1000' }]);
    expect(found).toEqual([]);
    expect(problems.map(({ severity, key }) => [severity, key])).toEqual([['error', 'numvcpus']]);
  });

  it('turns an edited file into the changes of its keys', () => {
    const edited = file(
      '.encoding = "UTF-8"',
      'GUESTOS = "arm-debian12-64"',
      'numvcpus = "4"',
      'memsize = "512"',
      'my.key = "1"',
    );
    expect(differences(machine, edited)).toEqual([
      { key: 'numvcpus', before: '2', after: '4' },
      { key: 'annotation', before: 'web', after: null },
      { key: 'my.key', before: null, after: '1' },
    ]);
    const { doc, problems } = applySettings(machine, changesBetween(machine, edited));
    expect(problems.filter(({ severity }) => severity === 'error')).toEqual([]);
    expect(differences(doc, edited)).toEqual([]);
    expect(new TextDecoder().decode(printVmx(doc))).not.toContain('annotation');
  });

  it('is undone by what was there before', () => {
    const changes = [
      { key: 'memory', value: '1 GiB' },
      { key: 'notes', value: '' },
      { key: 'folder', value: 'work' },
    ];
    const { doc } = applySettings(machine, changes);
    const undone = applySettings(doc, restored(differences(machine, doc)));
    expect(undone.problems).toEqual([]);
    expect(differences(machine, undone.doc)).toEqual([]);
  });

  it('reads each field in a form that kame set takes', () => {
    const values = valuesIn(machine);
    expect(values.size).toBe(Object.values(groups).flat().length);
    for (const [key, value] of values) {
      const { problems } = applySettings(machine, [{ key, value }]);
      expect([key, problems.filter(({ severity }) => severity === 'error')]).toEqual([key, []]);
    }
  });
});
