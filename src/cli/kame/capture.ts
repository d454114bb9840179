import type { Command } from '@commander-js/extra-typings';
import type { CaptureEnd } from '../../api/generated/shapes.ts';
import { formatSize } from '../../core/units.ts';
import { examples, given, integer, jsonShape, sizeAboveZero } from '../options.ts';
import { openOutput, refuseTerminal } from '../output-file.ts';
import type { Session } from '../session.ts';

const highestNic = 9;
const reasons: Record<CaptureEnd['reason'], string> = {
  stopped: '',
  size: ', the largest size was reached',
  engine: ', the machine has stopped or the adapter is gone',
};

function endText(name: string, { frames, bytes, dropped, reason }: CaptureEnd): string {
  const missing =
    dropped === 0
      ? ''
      : `; ${dropped} frames are missing, because they came faster than they could be written`;
  return `${name}: captured ${frames} frames, ${formatSize(bytes)}${reasons[reason]}${missing}`;
}

export function define(program: Command, session: Session): void {
  program
    .command('capture')
    .description(
      'Writes the frames of a network adapter of a running machine to a pcap file, until Ctrl-C. An existing file is overwritten. ' +
        'The guest never waits: frames that cannot be written in time are left out and counted.',
    )
    .argument('<name>', 'name, id or .vmx of a machine')
    .argument('<file>', 'file to write, or - for standard output')
    .option('--nic <nic>', 'number of the adapter (default: 0)', integer('--nic', 0, highestNic))
    .option(
      '--max-size <size>',
      'end when the file has this size, such as 100MiB',
      sizeAboveZero('--max-size'),
    )
    .option('--json', jsonShape('CaptureEnd, after the capture has ended'))
    .addHelpText(
      'after',
      examples('kame capture demo demo.pcap', 'kame capture demo - --nic 1 | tcpdump -n -r -'),
    )
    .action(async (name, file, { nic, maxSize }) => {
      refuseTerminal(session, file, 'A capture', 'kame capture demo - | tcpdump -r -');
      await using target = await openOutput(session, file);
      const end = await session.client.nics.capture(
        session.machine(name),
        given({ nic, maxBytes: maxSize }),
        {
          signal: session.signal,
          output: target.write,
        },
      );
      if (session.json && file !== '-') session.printJson(end);
      else session.note(endText(name, end));
    });
}
