import { randomBytes } from 'node:crypto';

/** What somebody signed in holds. */
export interface Credentials {
  readonly user: string;
  /** The session's cookie, as a request sends it. */
  readonly cookie: string;
  /** An access token for `orders`, made from that session. */
  readonly token: string;
  /** When the token expires, in milliseconds since 1970. */
  readonly expiresAt: number;
}

/** A receipt as an administrator gets it. Times are milliseconds since 1970. */
export interface Receipt {
  readonly id: string;
  readonly at: number;
  readonly deadline: number;
  readonly settled: boolean;
  readonly tokensDeadBy: number;
  readonly confirmed: readonly string[];
  readonly pending: readonly string[];
}

/** A follower as an administrator gets it. */
export interface Follower {
  readonly name: string;
  readonly kind: 'node' | 'service';
  /** Entries of the log that it has not applied yet. */
  readonly behind: number;
  /** Milliseconds since a node's copy was whole, or a service was heard of. */
  readonly lag: number;
  readonly fresh: boolean;
}

interface WrittenReceipt {
  readonly id: string;
  readonly at: string;
  readonly deadline: string;
  readonly settled: boolean;
  readonly tokens_dead_by: string;
  readonly names: { readonly confirmed: readonly string[]; readonly pending: readonly string[] };
}

const ADA = 'ada@example.com';

/** Two people at an issuer, over HTTP as anybody: Ada, who is signed in, and an administrator. */
export class Accounts {
  readonly #issuer: string;
  readonly #adminPassword: string;
  readonly #password = randomBytes(18).toString('base64url');
  #admin: string | null = null;
  #known = false;

  constructor(issuer: string, adminPassword: string) {
    this.#issuer = issuer;
    this.#adminPassword = adminPassword;
  }

  /** Signs Ada in, the first time up: a cookie, and an access token made from it. */
  async signIn(): Promise<Credentials> {
    const path = this.#known ? '/auth/sign-in' : '/auth/sign-up';
    const response = await this.#call('POST', path, { email: ADA, password: this.#password });
    this.#known = true;
    const { user } = (await response.json()) as { user: { id: string } };
    const cookie = cookieOf(response);
    return { user: user.id, cookie, ...(await this.renew(cookie)) };
  }

  /** Another access token from the same session. */
  async renew(cookie: string): Promise<Pick<Credentials, 'token' | 'expiresAt'>> {
    const fields = { grant_type: 'urn:latchkey:grant:session', audience: 'orders' };
    const response = await this.#call('POST', '/auth/token', fields, cookie);
    const { access_token: token } = (await response.json()) as { access_token: string };
    const payload = Buffer.from(token.split('.')[1] ?? '', 'base64url').toString();
    const { exp } = JSON.parse(payload) as { exp: number };
    return { token, expiresAt: exp * 1_000 };
  }

  /** Ends all that a user holds, as an administrator. */
  async revoke(user: string): Promise<Receipt> {
    const body = { user, reason: 'the demo' };
    const response = await this.#asAdmin('POST', '/auth/admin/revoke', body);
    const { receipt } = (await response.json()) as { receipt: WrittenReceipt };
    return receiptOf(receipt);
  }

  /** How far a revocation has come. */
  async receipt(id: string): Promise<Receipt> {
    const response = await this.#asAdmin('GET', `/auth/receipts/${id}`);
    return receiptOf((await response.json()) as WrittenReceipt);
  }

  /** Who follows the log. */
  async followers(): Promise<readonly Follower[]> {
    const response = await this.#asAdmin('GET', '/auth/admin/followers');
    const { items } = (await response.json()) as {
      items: readonly (Omit<Follower, 'lag'> & { readonly lag_ms: number })[];
    };
    return items.map(({ lag_ms: lag, name, kind, behind, fresh }) => ({
      name,
      kind,
      behind,
      fresh,
      lag,
    }));
  }

  async #asAdmin(method: 'GET' | 'POST', path: string, body?: object): Promise<Response> {
    this.#admin ??= cookieOf(
      await this.#call('POST', '/auth/sign-in', {
        email: 'admin@example.com',
        password: this.#adminPassword,
      }),
    );
    return await this.#call(method, path, body, this.#admin);
  }

  async #call(method: 'GET' | 'POST', path: string, body?: object, cookie?: string): Promise<Response> {
    const response = await fetch(`${this.#issuer}${path}`, {
      method,
      headers: {
        ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
        ...(cookie === undefined ? {} : { Cookie: cookie }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(10_000),
    });
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return response;
  }
}

function cookieOf(response: Response): string {
  return (response.headers.getSetCookie()[0] ?? '').split(';')[0] ?? '';
}

function receiptOf({ id, at, deadline, settled, tokens_dead_by: dead, names }: WrittenReceipt): Receipt {
  return {
    id,
    at: Date.parse(at),
    deadline: Date.parse(deadline),
    settled,
    tokensDeadBy: Date.parse(dead),
    confirmed: names.confirmed,
    pending: names.pending,
  };
}
