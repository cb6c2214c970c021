import assert from 'node:assert/strict';
import type { Latchkey } from 'latchkey';
import { bodyOf, ORIGIN, PASSWORD, type Visit } from './world.ts';

/** One client of each mode, as the standalone server has them. */
export const CLIENTS = { web: 'session', spa: 'hybrid', mobile: 'jwt' } as const;

/** What a login handed out. */
export interface Held {
  readonly access: string;
  /** Empty where there is none. */
  readonly refresh: string;
  readonly session: string;
  readonly user: string;
}

interface Sent {
  readonly json?: unknown;
  readonly form?: Readonly<Record<string, string>>;
  readonly bearer?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Where a program runs. */
export interface Device {
  readonly peer?: string;
  readonly userAgent?: string;
}

/** A program as far as HTTP sees it: it keeps no cookie and says nothing of where a request comes from. */
export class Program {
  readonly #auth: Pick<Latchkey, 'handler'>;
  readonly #device: Device;

  constructor(auth: Pick<Latchkey, 'handler'>, device: Device = {}) {
    this.#auth = auth;
    this.#device = device;
  }

  send(
    method: string,
    path: string,
    { json, form, bearer, headers: extra = {} }: Sent = {},
  ): Promise<Response> {
    const { peer = '203.0.113.9', userAgent } = this.#device;
    const headers = new Headers(extra);
    if (userAgent !== undefined) headers.set('User-Agent', userAgent);
    if (bearer !== undefined) headers.set('Authorization', `Bearer ${bearer}`);
    const init: RequestInit = { method, headers };
    if (json !== undefined) {
      headers.set('Content-Type', 'application/json');
      init.body = JSON.stringify(json);
    } else if (form !== undefined) {
      headers.set('Content-Type', 'application/x-www-form-urlencoded');
      init.body = new URLSearchParams(form).toString();
    }
    return this.#auth.handler(new Request(new URL(path, ORIGIN), init), { peer });
  }

  /** The status of `GET /auth/me` with this token. */
  async status(bearer: string): Promise<number> {
    return (await this.send('GET', '/auth/me', { bearer })).status;
  }

  async signUp(email: string, client = 'mobile'): Promise<Held> {
    const response = await this.send('POST', '/auth/sign-up', {
      json: { email, password: PASSWORD, client },
    });
    assert.equal(response.status, 201);
    return heldIn(response);
  }

  async signIn(email: string, client = 'mobile', password = PASSWORD): Promise<Held> {
    const response = await this.send('POST', '/auth/sign-in', { json: { email, password, client } });
    assert.equal(response.status, 200);
    return heldIn(response);
  }

  /** Exchanges a refresh token. */
  refresh(token: string, fields: Readonly<Record<string, string>> = {}): Promise<Response> {
    const form = { grant_type: 'refresh_token', refresh_token: token, ...fields };
    return this.send('POST', '/auth/token', { form });
  }

  /** Exchanges a refresh token that is good, and answers what follows it. */
  async renewed(
    token: string,
    fields: Readonly<Record<string, string>> = {},
  ): Promise<Pick<Held, 'access' | 'refresh'>> {
    const response = await this.refresh(token, fields);
    assert.equal(response.status, 200, await response.clone().text());
    const { access_token: access, refresh_token: refresh } = await bodyOf(response);
    return { access: String(access), refresh: String(refresh) };
  }

  /** Why a refresh token is not exchanged: the name of RFC 6749 §5.2 and the code. */
  async refusal(token: string, fields: Readonly<Record<string, string>> = {}): Promise<string> {
    return errorOf(await this.refresh(token, fields));
  }
}

/** What an answer to a login holds. */
export async function heldIn(response: Response): Promise<Held> {
  const { access_token: access = '', refresh_token: refresh = '', session, user } = await bodyOf(response);
  return { access: String(access), refresh: String(refresh), session: idIn(session), user: idIn(user) };
}

function idIn(value: unknown): string {
  assert.ok(typeof value === 'object' && value !== null && 'id' in value);
  return String(value.id);
}

/** Status, name and code of an OAuth error, in one line. */
export async function errorOf(response: Response): Promise<string> {
  assert.equal(response.headers.get('cache-control'), 'no-store');
  const { error, code } = await bodyOf(response);
  return `${response.status} ${String(error)} ${String(code)}`;
}

/** Signs in a browser at a client, and answers the access token of a hybrid one. */
export async function enter(visit: Visit, email: string, client: string): Promise<Held> {
  const response = await visit.post('/auth/sign-in', { email, password: PASSWORD, client });
  assert.equal(response.status, 200);
  return heldIn(response);
}

/** Exchanges the cookie of a browser for an access token. */
export function sessionGrant(visit: Visit, fields: Readonly<Record<string, string>> = {}): Promise<Response> {
  return visit.form('/auth/token', { grant_type: 'urn:latchkey:grant:session', ...fields });
}

/** The access token of an answer that holds one. */
export async function tokenIn(response: Response): Promise<string> {
  assert.equal(response.status, 200, await response.clone().text());
  return String((await bodyOf(response))['access_token']);
}

/** What a token says, unverified. */
export function saidBy(token: string): Record<string, unknown> {
  const said: unknown = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
  assert.ok(typeof said === 'object' && said !== null);
  return { ...said };
}
