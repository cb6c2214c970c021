import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { ORIGIN } from '../http/world.ts';

/** Answers a request, over a wire or not. */
export type Ask = (request: Request) => Promise<Response>;

/** An entry as it stands on the feed. */
export type FeedLine = readonly [
  seq: number,
  kind: string,
  scope: string,
  subject: string,
  expiresAt: number,
];

/** The answer to a pull. */
export interface PullAnswer {
  readonly epoch: string;
  readonly epoch_start: number;
  readonly tag: number;
  readonly head: number;
  readonly now: number;
  readonly age_ms: number;
  readonly max_staleness_ms: number;
  readonly salt: string;
  readonly entries: readonly FeedLine[] | null;
}

/** A snapshot, read. */
export interface ReadSnapshot {
  readonly salt: Buffer;
  readonly epoch: string;
  readonly epochStart: number;
  readonly head: number;
  readonly tag: number;
  readonly now: number;
  readonly entries: readonly {
    readonly kind: number;
    readonly scope: number;
    readonly subject: Buffer;
    readonly seq: number;
    readonly expiresAt: number;
  }[];
}

export const SNAPSHOT = 'application/vnd.latchkey.revlog';

/** What a process draws when it starts. */
export function followerId(): string {
  return randomBytes(16).toString('base64url');
}

/** One process of a service, as far as the feed sees it. */
export class Service {
  readonly #ask: Ask;
  readonly #key: string;
  /** Whether it says that it accepts until expiry what it cannot know of. */
  acceptsUntilExpiry = false;
  readonly follower: string;
  cursor: { epoch: string; tag: number; after: number } = { epoch: '', tag: 0, after: 0 };

  constructor(ask: Ask, key: string, follower = followerId()) {
    this.#ask = ask;
    this.#key = key;
    this.follower = follower;
  }

  send(
    method: string,
    path: string,
    init: { json?: unknown; headers?: Record<string, string> } = {},
  ): Promise<Response> {
    const headers = new Headers({ Authorization: `Bearer ${this.#key}`, ...init.headers });
    if (init.json !== undefined) headers.set('Content-Type', 'application/json');
    const body = init.json === undefined ? {} : { body: JSON.stringify(init.json) };
    return this.#ask(new Request(new URL(path, ORIGIN), { method, headers, ...body }));
  }

  post(fields: object = {}): Promise<Response> {
    return this.send('POST', '/auth/feed/pull', {
      json: { ...this.cursor, follower: this.follower, ...fields },
      headers: this.acceptsUntilExpiry ? { 'X-Latchkey-Unknown': 'accept-until-expiry' } : {},
    });
  }

  /** Pulls, and moves the cursor where the answer has entries. */
  async pull(): Promise<PullAnswer> {
    const response = await this.post();
    assert.equal(response.status, 200, await response.clone().text());
    const answer = (await response.json()) as PullAnswer;
    if (answer.entries !== null) this.cursor = { epoch: answer.epoch, tag: answer.tag, after: answer.head };
    return answer;
  }

  /** Loads the snapshot and stands where it stands. */
  async load(): Promise<ReadSnapshot> {
    const response = await this.send('GET', '/auth/feed/snapshot', { headers: { Accept: SNAPSHOT } });
    assert.equal(response.status, 200);
    assert.equal(response.headers.get('content-type'), SNAPSHOT);
    const bytes = Buffer.from(await response.arrayBuffer());
    assert.equal(Number(response.headers.get('content-length')), bytes.length);
    const snapshot = readSnapshot(bytes);
    this.cursor = { epoch: snapshot.epoch, tag: snapshot.tag, after: snapshot.head };
    return snapshot;
  }

  /** Loads and pulls until that is answered with entries: from now on it follows. */
  async begin(): Promise<PullAnswer> {
    for (let tries = 0; tries < 5; tries += 1) {
      await this.load();
      const answer = await this.pull();
      if (answer.entries !== null) return answer;
    }
    return assert.fail('the snapshot is always behind');
  }

  /** Opens a stream of hints. */
  async listen(query = '', headers: Record<string, string> = {}): Promise<Hints> {
    const response = await this.send('GET', `/auth/feed${query}`, { headers });
    assert.equal(response.status, 200, response.status === 200 ? '' : await response.text());
    assert.match(response.headers.get('content-type') ?? '', /^text\/event-stream/);
    return new Hints(response);
  }
}

/** A stream of hints, read line by line. */
export class Hints {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  #text = '';

  constructor(response: Response) {
    assert.ok(response.body !== null);
    this.#reader = response.body.getReader();
  }

  /** The next block, which ends with an empty line; `null` where the stream has ended. */
  async next(): Promise<string | null> {
    for (;;) {
      const end = this.#text.indexOf('\n\n');
      if (end !== -1) {
        const block = this.#text.slice(0, end);
        this.#text = this.#text.slice(end + 2);
        return block;
      }
      const { done, value } = await this.#reader.read();
      if (done) return null;
      this.#text += Buffer.from(value).toString();
    }
  }

  /** The next entry; comments and the beginning are passed by. */
  async entry(): Promise<FeedLine | null> {
    for (;;) {
      const block = await this.next();
      if (block === null) return null;
      const [, id, data] = /^event: entry\nid: (\d+)\ndata: (.*)$/.exec(block) ?? [];
      if (data === undefined) continue;
      const line = JSON.parse(data) as FeedLine;
      assert.equal(String(line[0]), id);
      return line;
    }
  }

  /** Reads to the end; rejects where it is broken off. */
  async ended(): Promise<void> {
    while ((await this.next()) !== null);
  }

  async close(): Promise<void> {
    await this.#reader.cancel();
  }
}

/** Reads a snapshot as docs/feed.md says, and refuses what is not one. */
export function readSnapshot(bytes: Buffer): ReadSnapshot {
  const u64 = (at: number): number => Number(bytes.readBigUInt64LE(at));
  const even = (length: number): number => Math.ceil(length / 8) * 8;
  if (bytes.toString('latin1', 0, 8) !== 'LKREVLOG' || bytes.readUInt16LE(8) !== 1)
    throw new TypeError('no snapshot');
  const sections = bytes.readUInt16LE(10);
  const nameLength = bytes.readUInt16LE(64);
  const head = {
    salt: bytes.subarray(16, 32),
    epochStart: u64(32),
    head: u64(40),
    tag: u64(48),
    now: u64(56),
    epoch: bytes.toString('ascii', 72, 72 + nameLength),
  };
  let at = 72 + even(nameLength);
  const entries: ReadSnapshot['entries'][number][] = [];
  let before = -1;
  for (let section = 0; section < sections; section += 1) {
    const [kind, scope] = [bytes.readUInt8(at), bytes.readUInt8(at + 1)];
    const count = bytes.readUInt32LE(at + 4);
    if (kind * 256 + scope <= before) throw new TypeError('sections out of order');
    before = kind * 256 + scope;
    const [seqs, expiries] = [at + 8 + 16 * count, at + 8 + 24 * count];
    const next = expiries + even(4 * count);
    if (next > bytes.length) throw new TypeError('cut off');
    for (let index = 0; index < count; index += 1) {
      const subject = bytes.subarray(at + 8 + 16 * index, at + 24 + 16 * index);
      const last = index === 0 ? null : (entries.at(-1)?.subject ?? null);
      if (last !== null && Buffer.compare(last, subject) >= 0) throw new TypeError('subjects out of order');
      entries.push({
        kind,
        scope,
        subject,
        seq: u64(seqs + 8 * index),
        expiresAt: bytes.readUInt32LE(expiries + 4 * index),
      });
    }
    at = next;
  }
  if (at !== bytes.length) throw new TypeError('something follows');
  return { ...head, entries };
}
