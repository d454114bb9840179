import { describe, expect, it } from 'vitest';
import { downloadFailed, fetchText } from './http.ts';

const url = new URL('https://images.example/a.sums');

describe('a download', () => {
  it('through a proxy that is no URL is refused at once, with what is wrong', async () => {
    const request = fetchText(url, {
      signal: AbortSignal.timeout(60_000),
      allowHttp: false,
      maxBytes: 1,
      env: { https_proxy: 'no proxy' },
    });
    await expect(request).rejects.toMatchObject({
      code: 'DOWNLOAD_FAILED',
      message: `${url.href} could not be downloaded: the value of http_proxy or https_proxy is not the URL of a proxy.`,
      next: 'Set both to a URL such as http://HOST:PORT, or unset them.',
    });
  });

  it.each(['SELF_SIGNED_CERT_IN_CHAIN', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'])(
    'that fails for %s says how a daemon trusts another certificate',
    (code) => {
      const error = Object.assign(new Error('not trusted'), { code });
      expect(downloadFailed(url, error).next).toMatch(/NODE_EXTRA_CA_CERTS .* `kame daemon stop`/);
    },
  );
});
