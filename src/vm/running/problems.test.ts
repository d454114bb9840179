import { rmSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { qemuImg } from '../../../test/support/qemu-img.ts';
import { like, refused } from '../../../test/support/refused.ts';
import { useWorld } from '../../../test/support/world.ts';
import { register } from '../library/register.ts';
import { show } from './describe.ts';

const world = useWorld();

describe('a machine', () => {
  it('that is broken is shown with the reason', async () => {
    const demo = world().machine();
    writeFileSync(demo.vmx, 'a line that makes no sense\n');
    const { state, problems } = await show(world().host, 'demo');
    expect([state, problems.some(({ severity }) => severity === 'error')]).toEqual(['broken', true]);
  });

  it('whose disk is damaged is shown with what is known', async () => {
    const demo = world().machine();
    writeFileSync(demo.file('disk0.qcow2'), 'no disk');
    expect((await show(world().host, 'demo')).disks).toMatchObject([
      { slot: 'nvme0:0', format: null, sizeBytes: null },
    ]);
  });

  it('whose disk keeps it from starting is shown with the reason', async () => {
    const demo = world().machine();
    rmSync(demo.file('disk0.qcow2'));
    expect((await show(world().host, 'demo')).problems).toMatchObject([
      { severity: 'warning', key: 'nvme0:0.fileName', message: like(/disk0\.qcow2 does not exist\./) },
    ]);
  });

  it('without a disk says how to put it right', async () => {
    const demo = world().machine();
    rmSync(demo.file('disk0.qcow2'));
    expect(await refused(world().start())).toMatchObject({
      code: 'FILE_ACCESS',
      next: like(/^Move the disk back .*; `kame disk remove NAME DISK`/),
    });
  });

  it('that another program has suspended is shown with the only way to start it', async () => {
    const demo = world().machine('demo', ['checkpoint.vmState = "demo-1.vmss"']);
    const { state, problems } = await register(world().host, { path: demo.vmx });
    expect([state, problems]).toEqual([
      'suspended',
      [
        {
          severity: 'warning',
          key: 'checkpoint.vmState',
          message: like(/^Another program has suspended demo.* kame start demo --discard-state starts it/),
        },
      ],
    ]);
  });

  it('with a journal of somebody else is shown with what keeps it from starting', async () => {
    const demo = world().machine();
    writeFileSync(demo.file('operation.json'), '{"kind":"clone","identity":null}');
    const { problems } = await register(world().host, { path: demo.vmx });
    const { message } = await refused(world().start());
    expect(problems).toMatchObject([{ severity: 'warning', message: like(/that Kame has no record of/) }]);
    expect(problems[0]?.message).toContain(message);
  });

  it('on a VMDK registers with a warning that says what a start needs, and its disk is readable', async () => {
    const demo = world().machine();
    qemuImg('create', '-q', '-f', 'vmdk', demo.file('a.vmdk'), '1M');
    writeFileSync(demo.vmx, demo.read('demo.vmx').replace('disk0.qcow2', 'a.vmdk'));
    const { disks, problems } = await register(world().host, { path: demo.vmx });
    expect(disks).toMatchObject([{ format: 'vmdk', sizeBytes: 1024 * 1024, path: demo.file('a.vmdk') }]);
    expect(problems).toEqual([
      {
        severity: 'warning',
        key: 'nvme0:0.fileName',
        message: `nvme0:0 is a VMDK, and a machine needs a qcow2 to start. \`kame import PATH\`, with the path of the .vmx, makes a machine with copies of its disks, and ${demo.file('a.vmdk')} stays as it is.`,
      },
    ]);
    expect(await refused(world().start())).toMatchObject({
      code: 'BAD_IMAGE',
      next: like(/^Import its machine with `kame import PATH`/),
    });
  });

  it('on an encrypted VMDK says that it is encrypted', async () => {
    const demo = world().machine();
    const lines = ['# Disk DescriptorFile', 'version=1', 'parentCID=ffffffff', 'createType="vmfs"'];
    const keys = ['encryptionKeys="vmware:key/list/x"', 'RW 8 VMFS "a-flat.vmdk"', ''];
    writeFileSync(demo.file('a.vmdk'), [...lines, ...keys].join('\n'));
    writeFileSync(demo.vmx, demo.read('demo.vmx').replace('disk0.qcow2', 'a.vmdk'));
    const { disks, problems } = await register(world().host, { path: demo.vmx });
    expect(disks).toMatchObject([{ format: 'vmdk', sizeBytes: null }]);
    expect(problems).toMatchObject([{ message: like(/a\.vmdk is encrypted\. Decrypt it in VMware/) }]);
  });
});
