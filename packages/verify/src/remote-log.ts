import { FeedRefused } from './byte-reader.ts';
import type { Clock, Millis } from './clock.ts';
import { findFeedLine } from './feed-entry.ts';
import { HintStream } from './hint-stream.ts';
import { type IssuerClient, IssuerFailed, textIn, timeIn, wholeIn } from './issuer-client.ts';
import type { Cursor, Entry, Position } from './log-entry.ts';
import type { Loaded, LogSource, Pull } from './log-source.ts';
import type { Values } from './principal.ts';
import { randomId } from './random.ts';
import { readSnapshot, type Snapshot } from './snapshot.ts';

const PULL_TIMEOUT: Millis = 2_000;
const SNAPSHOT_TIMEOUT: Millis = 30_000;
/** In bytes: five thousand entries of some eighty. */
const MOST_PULLED = 1_048_576;
const MOST_ENTRIES = 5_000;
/** No log of ours may be trusted for longer without being asked. */
const MOST_STALENESS: Millis = 60_000;
/** How long nobody asks again who was refused: a key does not become good within a second. */
const REFUSED_FOR: Millis = 5_000;
/** No longer than this, whatever the issuer asks for: so long nothing is followed. */
const LONGEST_WAIT: Millis = 30_000;
const SNAPSHOT_TYPE = 'application/vnd.latchkey.revlog';

export interface RemoteLogOptions {
  readonly client: IssuerClient;
  readonly clock: Clock;
  /** Whether this service accepts tokens of which it cannot tell: said with each pull, so that receipts can count it. */
  readonly acceptsUnknown: boolean;
  /** As `HintStreamOptions` says. */
  readonly silence?: Millis;
  readonly pause?: Millis;
}

/**
 * The revocation log of an issuer, over HTTP. A pull asks for what came after the cursor;
 * the whole is a snapshot, and a pull proves it once it has been taken in. Everything that arrives is checked
 * before any of it counts, since it decides who is let in.
 */
export class RemoteLog implements LogSource {
  /** Which of the processes that follow this one is. */
  readonly follower = randomId();
  readonly #options: RemoteLogOptions;
  readonly #hints: HintStream;
  #salt: string | null = null;
  /** How far the log was followed: nothing that is behind is taken. */
  #reached: Cursor | null = null;
  #refusal: { readonly error: IssuerFailed; readonly until: Millis } | null = null;

  constructor(options: RemoteLogOptions) {
    this.#options = options;
    const { client, silence, pause } = options;
    this.#hints = new HintStream({
      client,
      after: () => this.#reached?.seq ?? null,
      ...(silence === undefined ? {} : { silence }),
      ...(pause === undefined ? {} : { pause }),
    });
  }

  /** Whether hints arrive; else revocations are heard of within a second. */
  get hears(): boolean {
    return this.#hints.isOpen;
  }

  /** @throws {IssuerFailed} where the feed cannot be had, or says what it may not. */
  async pull(cursor: Cursor | null): Promise<Pull | Loaded> {
    return await this.#asking(async () => {
      const part = cursor === null ? null : await this.#part(cursor, this.#salt);
      return part ?? (await this.#whole());
    });
  }

  async #asking<Answer>(ask: () => Promise<Answer>): Promise<Answer> {
    const { clock } = this.#options;
    if (this.#refusal !== null && clock.monotonic() < this.#refusal.until) throw this.#refusal.error;
    this.#refusal = null;
    try {
      return await ask();
    } catch (error) {
      const wait = error instanceof IssuerFailed ? waitAfter(error) : null;
      if (error instanceof IssuerFailed && wait !== null)
        this.#refusal = { error, until: clock.monotonic() + wait };
      throw error;
    }
  }

  onHint(listener: (entries: readonly Entry[], own: boolean) => void): () => void {
    return this.#hints.start((entries) => listener(entries, false));
  }

  /** What came after the cursor, or `null` where only the whole would do. */
  async #part(cursor: Cursor, salt: string | null): Promise<Pull | null> {
    const { client, acceptsUnknown } = this.#options;
    const { epoch, seq, tag } = cursor;
    const answer = await client.askJson(
      '/auth/feed/pull',
      {
        method: 'POST',
        headers: {
          ...client.authorization,
          'Content-Type': 'application/json',
          ...(acceptsUnknown ? { 'X-Latchkey-Unknown': 'accept-until-expiry' } : {}),
        },
        body: JSON.stringify({ epoch, tag, after: seq, follower: this.follower }),
        timeout: PULL_TIMEOUT,
      },
      MOST_PULLED,
    );
    // It proves nothing.
    if (answer['entries'] === null) return null;
    const pull = pullOf(answer, seq);
    if (pull.epoch !== epoch || pull.head < seq || answer['salt'] !== salt) return null;
    this.#reached = { epoch: pull.epoch, seq: pull.head, tag: pull.tag };
    return pull;
  }

  async #whole(): Promise<Loaded> {
    const snapshot = await this.#snapshot();
    const { cursor, salt } = snapshot;
    const behind = cursor.epoch === this.#reached?.epoch && cursor.seq < this.#reached.seq;
    // What was refused once must not be accepted again because another node has heard less.
    if (behind) throw new IssuerFailed('the snapshot is older than what is held', null);
    this.#salt = salt;
    this.#reached = cursor;
    const prove = async (): Promise<Pull> => {
      const pull = await this.#part(cursor, salt);
      if (pull === null) throw new IssuerFailed('the log has gone on without its snapshot', null);
      return pull;
    };
    return { ...snapshot, prove: () => this.#asking(prove) };
  }

  async #snapshot(): Promise<Snapshot> {
    const { client } = this.#options;
    const answer = await client.ask('/auth/feed/snapshot', {
      headers: client.authorization,
      timeout: SNAPSHOT_TIMEOUT,
      accept: SNAPSHOT_TYPE,
    });
    try {
      return await readSnapshot(answer.body);
    } catch (error) {
      const why = error instanceof FeedRefused ? error.message : 'it was cut off';
      throw new IssuerFailed(`the snapshot cannot be used: ${why}`, null, { cause: error });
    } finally {
      answer.end();
    }
  }
}

const EPOCH = /^[\x21-\x7e]{1,128}$/;

/** How long not to ask again; `null` where nothing speaks against the next second. */
function waitAfter({ status, retryAfter }: IssuerFailed): Millis | null {
  if (status === 401 || status === 403 || status === 404) return REFUSED_FOR;
  // Another node may answer who was told that one is busy, or not fresh.
  return status === 429 ? Math.min(retryAfter ?? REFUSED_FOR, LONGEST_WAIT) : null;
}

function pullOf(answer: Values, after: Position): Pull {
  const { age_ms: age, max_staleness_ms: maxStaleness } = answer;
  if (typeof age !== 'number' || !(age >= 0))
    throw new IssuerFailed('the feed answered another age_ms', null);
  if (typeof maxStaleness !== 'number' || !(maxStaleness > 0 && maxStaleness <= MOST_STALENESS)) {
    throw new IssuerFailed('the feed answered another max_staleness_ms', null);
  }
  return {
    epoch: textIn(answer, 'epoch', EPOCH),
    epochStart: wholeIn(answer, 'epoch_start'),
    head: wholeIn(answer, 'head'),
    tag: wholeIn(answer, 'tag'),
    now: timeIn(answer, 'now'),
    age,
    maxStaleness,
    whole: false,
    entries: entriesOf(answer['entries'], after),
  };
}

/** In ascending order after the cursor, so that none comes twice and none is passed by. */
function entriesOf(value: unknown, after: Position): readonly Entry[] {
  const written: readonly unknown[] = Array.isArray(value) ? value : [null];
  if (written.length > MOST_ENTRIES) throw new IssuerFailed('the feed answered too many entries', null);
  let last = after;
  return written.flatMap((each) => {
    const line = findFeedLine(each);
    if (line === null || line.seq <= last) {
      throw new IssuerFailed('the feed answered what is no entry, or not in its order', null);
    }
    last = line.seq;
    return line.entry === null ? [] : [line.entry];
  });
}
