import { createClient } from '../../../src/client/core/client.ts';
import { Connection } from '../../../src/client/core/connection.ts';
import { fetchTransport } from '../../../src/client/core/fetch-transport.ts';
import { withTickets } from './ticket.ts';

const transport = withTickets(fetchTransport({ baseUrl: location.origin }));

/** The daemon that this page comes from. */
export const client = createClient(transport);

/** For the stream of events: unlike a method of the client, it says when the stream is open. */
export const events = new Connection(transport);
