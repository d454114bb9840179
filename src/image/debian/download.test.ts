import { afterEach, describe, expect, it } from 'vitest';
import { download } from './download.ts';
import { serve, type Served } from './fixtures/signed-archive.ts';

const options = { maxBytes: 1000, signal: new AbortController().signal };
let served: Served | undefined;

afterEach(async () => {
  await served?.close();
});

describe('download', () => {
  it('tries again after a server error, and subtracts the bytes it has reported', async () => {
    served = await serve((_, attempt) => (attempt === 1 ? 503 : undefined));
    served.files.set('/file', Buffer.from('content'));
    let bytes = 0;
    const data = await download(`${served.url}/file`, { ...options, onBytes: (count) => (bytes += count) });
    expect(data.toString()).toBe('content');
    expect(bytes).toBe(7);
    expect(served.requests).toHaveLength(2);
  });

  it('does not try again when the file does not exist', async () => {
    served = await serve();
    await expect(download(`${served.url}/none`, options)).rejects.toMatchObject({ code: 'DOWNLOAD_FAILED' });
    expect(served.requests).toHaveLength(1);
  });

  it('stops at the size limit', async () => {
    served = await serve();
    served.files.set('/large', Buffer.alloc(1001));
    await expect(download(`${served.url}/large`, options)).rejects.toThrow(/larger than 1000 bytes/);
  });

  it('can be cancelled', async () => {
    served = await serve();
    const cancelled = download(`${served.url}/file`, { ...options, signal: AbortSignal.abort() });
    await expect(cancelled).rejects.toMatchObject({ code: 'CANCELLED' });
  });
});
