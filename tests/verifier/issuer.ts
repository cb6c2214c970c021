import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import {
  type EntryKind,
  KIND_CODES,
  publicJwk,
  SCOPE_CODES,
  type Scope,
  subjectOf,
  type VerifierOptions,
} from '@latchkey/verify';
import { edwards, type Signer, signatureOf, spell } from '../attacks/minting.ts';
import { listenOnLoopback } from './loopback.ts';

/** An entry as the feed writes it. */
export type Line = readonly [seq: number, kind: EntryKind, scope: Scope, subject: string, expiresAt: number];

/** Answers a request in the place of what would have been answered. */
export type Lie = (req: IncomingMessage, res: ServerResponse, truth: () => Promise<void>) => unknown;

/** The service's key at this issuer. */
export const KEY = 'lks_a-key-of-the-orders-service';
const KEY_LIFE = 900;

/** An id of sixteen random bytes. */
export const newSubject = (): string => randomBytes(16).toString('base64url');

/**
 * An issuer that speaks the protocol of the feed, written from `docs/feed.md` and not from
 * the code that it tries, and that can lie at any path.
 */
export class TestIssuer {
  readonly requests: {
    readonly path: string;
    readonly headers: IncomingMessage['headers'];
    readonly body: string;
  }[] = [];
  /** By path. */
  readonly lies = new Map<string, Lie>();
  url = '';
  salt = randomBytes(16);
  epoch = 'first';
  epochStart = 0;
  head = 10;
  maxStaleness = 5_000;
  lines: Line[] = [];
  signers: Signer[] = [edwards()];
  /** What introspection says beside the token's own claims; `null` for inactive. */
  introspected: object | null = {};
  /** Seconds; by the machine's clock. */
  now = (): number => Math.floor(Date.now() / 1_000);
  readonly streams = new Set<ServerResponse>();
  #close: () => Promise<void> = async () => undefined;

  static async open(): Promise<TestIssuer> {
    const issuer = new TestIssuer();
    const { origin, close } = await listenOnLoopback(
      createServer((req, res) => void issuer.#answer(req, res)),
    );
    issuer.url = origin;
    issuer.#close = close;
    return issuer;
  }

  close(): Promise<void> {
    return this.#close();
  }

  /** Options of a verifier for the audience `orders`. */
  options(changes: Partial<VerifierOptions> = {}): VerifierOptions {
    return { issuer: this.url, audience: 'orders', key: KEY, ...changes };
  }

  /** How often a path was asked for. */
  asked(path: string): number {
    return this.requests.filter((request) => request.path === path).length;
  }

  /** A token of this issuer, signed by its first key or another. */
  token(changes: Record<string, unknown> = {}, signer = this.signers[0]): string {
    assert.ok(signer !== undefined);
    const iat = this.now();
    const claims = {
      iss: this.url,
      aud: 'orders',
      sub: newSubject(),
      sid: newSubject(),
      client_id: 'mobile',
      iat,
      exp: iat + 300,
      jti: newSubject(),
      acr: 'aal1',
      amr: ['pwd'],
      auth_time: iat,
      rs: this.head,
      ...changes,
    };
    const header = { alg: signer.published.algorithm, typ: 'at+jwt', kid: signer.published.kid };
    const input = `${spell(JSON.stringify(header))}.${spell(JSON.stringify(claims))}`;
    return `${input}.${spell(signatureOf(signer, input))}`;
  }

  /** Appends an entry; `subject` as it is before it is hashed. Streams hear of it unless they must not. */
  append(scope: Scope, subject: string, kind: EntryKind = 'revoke', hint = true): Line {
    this.head += 1;
    const line: Line = [this.head, kind, scope, this.salted(scope, subject), this.now() + KEY_LIFE];
    this.lines.push(line);
    if (hint) this.hint(line);
    return line;
  }

  hint(line: Line): void {
    for (const stream of this.streams) {
      stream.write(`event: entry\nid: ${line[0]}\ndata: ${JSON.stringify(line)}\n\n`);
    }
  }

  salted(scope: Scope, subject: string): string {
    if (scope === 'all') return '';
    const digest = createHash('sha256').update(this.salt).update(Uint8Array.of(SCOPE_CODES[scope]));
    return digest.update(Buffer.from(subject, 'base64url')).digest().subarray(0, 16).toString('base64url');
  }

  revokeKey(): void {
    const [lost] = this.signers;
    assert.ok(lost !== undefined);
    this.append('signing_key', subjectOf('signing_key', lost.published.kid));
  }

  /** Another history, in which nothing is left of the last one. */
  beginEpoch(name: string): void {
    this.epoch = name;
    this.epochStart = this.head + 1_000;
    this.head = this.epochStart;
    this.lines = [];
  }

  pull(asked: { epoch: unknown; tag: unknown; after: unknown }): object {
    const known = asked.epoch === this.epoch && asked.tag === tagOf(asked.after);
    return {
      epoch: this.epoch,
      epoch_start: this.epochStart,
      tag: tagOf(this.head),
      head: this.head,
      now: this.now(),
      age_ms: 1,
      max_staleness_ms: this.maxStaleness,
      salt: this.salt.toString('base64url'),
      entries: known ? this.lines.filter(([seq]) => seq > Number(asked.after)) : null,
    };
  }

  snapshot(): Buffer {
    const sections = Map.groupBy(
      this.lines,
      ([, kind, scope]) => KIND_CODES[kind] * 256 + SCOPE_CODES[scope],
    );
    const parts = [...sections.entries()]
      .toSorted(([one], [other]) => one - other)
      .map(([code, lines]) => sectionOf(code, lines));
    const name = Buffer.from(this.epoch);
    const head = Buffer.alloc(72 + Math.ceil(name.length / 8) * 8);
    head.write('LKREVLOG');
    head.writeUInt16LE(1, 8);
    head.writeUInt16LE(parts.length, 10);
    head.set(this.salt, 16);
    for (const [index, value] of [this.epochStart, this.head, tagOf(this.head), this.now()].entries()) {
      head.writeBigUInt64LE(BigInt(value), 32 + 8 * index);
    }
    head.writeUInt16LE(name.length, 64);
    head.set(name, 72);
    return Buffer.concat([head, ...parts]);
  }

  async #answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const path = new URL(req.url ?? '/', this.url).pathname;
    let body = '';
    for await (const piece of req) body += String(piece);
    this.requests.push({ path, headers: req.headers, body });
    const truth = async (): Promise<void> => this.#truth(path, req, res, body);
    const lie = this.lies.get(path);
    if (lie === undefined) await truth();
    else await lie(req, res, truth);
  }

  #truth(path: string, req: IncomingMessage, res: ServerResponse, body: string): void {
    if (path === '/.well-known/oauth-authorization-server') {
      sendJson(res, { issuer: this.url, jwks_uri: `${this.url}/.well-known/jwks.json` });
    } else if (path === '/.well-known/jwks.json') {
      sendJson(res, { keys: this.signers.map(({ publicKey }) => publicJwk(publicKey)) });
    } else if (req.headers.authorization !== `Bearer ${KEY}`) {
      sendJson(res, { code: 'LK_UNAUTHENTICATED' }, 401);
    } else if (path === '/auth/feed/pull') {
      sendJson(res, this.pull(JSON.parse(body) as { epoch: unknown; tag: unknown; after: unknown }));
    } else if (path === '/auth/feed/snapshot') {
      res.writeHead(200, { 'Content-Type': 'application/vnd.latchkey.revlog' }).end(this.snapshot());
    } else if (path === '/auth/feed') {
      res.writeHead(200, { 'Content-Type': 'text/event-stream' }).write('retry: 1000\n: open\n\n');
      this.streams.add(res);
      res.once('close', () => this.streams.delete(res));
    } else if (path === '/auth/introspect') {
      sendJson(res, this.#introspection(new URLSearchParams(body).get('token') ?? ''));
    } else sendJson(res, { code: 'LK_NOT_FOUND' }, 404);
  }

  #introspection(token: string): object {
    if (this.introspected === null) return { active: false };
    const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as object;
    return { active: true, token_type: 'Bearer', ...claims, rs: this.head, ...this.introspected };
  }
}

/** Answers with JSON. */
export function sendJson(res: ServerResponse, value: unknown, status = 200): void {
  res.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(value));
}

function tagOf(seq: unknown): number {
  return Number(seq) * 7 + 3;
}

/** One slot a subject, ascending. */
function sectionOf(code: number, lines: readonly Line[]): Buffer {
  const slots = [...Map.groupBy(lines, ([, , , subject]) => subject).entries()]
    .map(([subject, all]) => ({
      subject: subject === '' ? Buffer.alloc(16) : Buffer.from(subject, 'base64url'),
      seq: Math.max(...all.map(([seq]) => seq)),
      expiresAt: Math.max(...all.map(([, , , , expiresAt]) => expiresAt)),
    }))
    .toSorted((one, other) => Buffer.compare(one.subject, other.subject));
  const count = slots.length;
  const section = Buffer.alloc(8 + 24 * count + Math.ceil((4 * count) / 8) * 8);
  section.writeUInt8(code >> 8, 0);
  section.writeUInt8(code & 255, 1);
  section.writeUInt32LE(count, 4);
  for (const [index, { subject, seq, expiresAt }] of slots.entries()) {
    section.set(subject, 8 + 16 * index);
    section.writeBigUInt64LE(BigInt(seq), 8 + 16 * count + 8 * index);
    section.writeUInt32LE(expiresAt, 8 + 24 * count + 4 * index);
  }
  return section;
}
