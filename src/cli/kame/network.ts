import type { Command } from '@commander-js/extra-typings';
import { examples } from '../options.ts';
import type { Session } from '../session.ts';
import { defineReserve, defineLeases } from './network-addresses.ts';
import { defineCreate, defineDelete, defineSet } from './network-config.ts';
import { defineForward } from './network-forward.ts';
import { defineList, defineShow } from './network-show.ts';

export function define(program: Command, session: Session): void {
  const network = program
    .command('network')
    .description(
      'Networks connect machines with each other and with the outside. vmnet8 (NAT) and vmnet1 (host-only) exist from the start.',
    )
    .addHelpText(
      'after',
      examples(
        'kame network list',
        'kame network create lab --host-only',
        'kame network forward add vmnet8 tcp 8080 web:80',
      ),
    );
  defineList(network, session);
  defineShow(network, session);
  defineCreate(network, session);
  defineSet(network, session);
  defineDelete(network, session);
  defineForward(network, session);
  defineReserve(network, session);
  defineLeases(network, session);
}
