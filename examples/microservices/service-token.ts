/** Where a service gets tokens for itself. */
export interface ServiceTokenOptions {
  /** The issuer's address, where requests go. */
  readonly issuer: string;
  /** The name of this service's client, and its key. */
  readonly client: string;
  readonly key: string;
  /** Whom the tokens are for. */
  readonly audience: string;
}

/** A token with less left is not begun with. */
const SPARE_MS = 30_000;

/**
 * Gets tokens for a service itself (RFC 6749 §4.4), and keeps each for as long as it is good.
 *
 * @returns what answers a token; `anew` where the last one was refused.
 */
export function serviceToken(options: ServiceTokenOptions): (anew?: boolean) => Promise<string> {
  const { issuer, client, key, audience } = options;
  const basic = Buffer.from(`${client}:${key}`).toString('base64');
  let held: { readonly token: string; readonly until: number } | null = null;
  const fetchToken = async (): Promise<string> => {
    const response = await fetch(`${issuer}/auth/token`, {
      method: 'POST',
      headers: { Authorization: `Basic ${basic}` },
      body: new URLSearchParams({ grant_type: 'client_credentials', audience }),
      redirect: 'error',
      signal: AbortSignal.timeout(2_000),
    });
    if (!response.ok) throw new Error(`the issuer gave ${client} no token: ${response.status}`);
    const { access_token: token, expires_in: life } = (await response.json()) as {
      access_token: string;
      expires_in: number;
    };
    held = { token, until: performance.now() + life * 1_000 - SPARE_MS };
    return token;
  };
  return async (anew = false) => {
    const good = !anew && held !== null && performance.now() < held.until;
    return good && held !== null ? held.token : await fetchToken();
  };
}
