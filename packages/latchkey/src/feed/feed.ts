import {
  type Clock,
  type Cursor,
  type Entry,
  feedSubject,
  type LogSource,
  type Millis,
  type Position,
  type Tail,
} from '@latchkey/verify';
import { failure } from '../errors.ts';
import { idBytes, idFromBytes } from '../foundation/ids.ts';
import { randomBytes } from '../foundation/random.ts';
import { within } from '../foundation/within.ts';
import type { RemoteFollower, RemoteFollowers } from '../revocation/remote-followers.ts';
import type { RevocationLog } from '../revocation/revocation-log.ts';
import { FEED_SALT, type FollowerId } from '../stores/records.ts';
import type { Store } from '../stores/store.ts';
import { HintStreams, type Listener } from './hint-streams.ts';
import { Passage } from './passage.ts';
import { encodeSnapshot } from './snapshot.ts';
import { type MadeSnapshot, type Snapshot, Snapshots } from './snapshots.ts';

/** Who is further behind than so many entries loads the snapshot. */
const MOST_ENTRIES = 5_000;
/** A snapshot that so many entries came after is made anew: who has loaded it should not be behind again. */
const MOST_BEHIND = 2_500;
/** So many hints go out at once: one suffices for a service to pull, and readers' buffers have an end. */
const MOST_TOLD = 200;
/** So many hints are remembered until the log tells of them. */
const MOST_HEARD = 10_000;
/** How long a pull waits for this node's own, which may hang. */
const PATIENCE: Millis = 500;
const RETRY_AFTER: Millis = 1_000;

/** What a service asks with: its cursor, which of its processes it is, and how that one decides. */
export interface FeedQuestion extends Cursor {
  readonly follower: FollowerId;
  /** Whether it lets in until its expiry whatever it cannot know of. */
  readonly acceptsUntilExpiry: boolean;
}

export interface FeedOptions {
  readonly store: Pick<Store, 'meta'>;
  readonly clock: Clock;
  readonly log: RevocationLog;
  readonly remote: RemoteFollowers;
  /** The node's own copy, which follows `Feed.source`. */
  readonly tail: () => Tail;
}

/**
 * Relays the log to services (R9): from this node's own copy, whose age it tells, and with
 * subjects that are hashed (R12). `docs/feed.md` is its contract.
 */
export class Feed {
  readonly #options: FeedOptions;
  readonly #passage = new Passage();
  readonly #streams: HintStreams;
  readonly #snapshots: Snapshots;
  /** Made at the first use, and read anew in each history: a restored database may have another. */
  #salt: { readonly epoch: string; readonly bytes: Uint8Array } | null = null;
  /** What was sent as a hint and has not come with a pull. */
  readonly #heard = new Map<Position, string>();

  constructor(options: FeedOptions) {
    this.#options = options;
    this.#streams = new HintStreams(() => options.tail().isFresh());
    this.#snapshots = new Snapshots(options.clock, () => this.#makeSnapshot());
  }

  /** Where the node's own tail reads, so that what it is told goes on from here. */
  get source(): LogSource {
    const { log } = this.#options;
    return {
      pull: async (cursor) => {
        const pull = await log.pull(cursor);
        const before = this.#passage.head;
        this.#passage.read(pull);
        // Whoever listens is told of what no hint told of.
        if (before?.epoch !== pull.epoch) this.#streams.endAll();
        else this.#tell(pull.entries.filter((entry) => entry.seq > before.seq && !this.#isTold(entry)));
        for (const seq of this.#heard.keys()) if (seq <= pull.head) this.#heard.delete(seq);
        return pull;
      },
      onHint: (listener) =>
        log.onHint((entries, own) => {
          this.#hear(entries);
          listener(entries, own);
        }),
    };
  }

  /** Open streams. */
  get streams(): number {
    return this.#streams.size;
  }

  /**
   * Answers a pull, in JSON. It is also how a process of a service registers, and
   * acknowledges what it has applied.
   *
   * @throws `LK_NOT_FRESH` where this node's copy is not; `LK_THROTTLED`, `LK_BUSY` where too
   *   many follow; `LK_STORE_UNAVAILABLE`.
   */
  async pull(client: string, question: FeedQuestion): Promise<string> {
    this.#requireFresh();
    const { log, remote } = this.#options;
    const { follower: id, acceptsUntilExpiry, ...cursor } = question;
    const follower = remote.take(
      client,
      id,
      { registeredAt: log.now(), registeredSeq: log.head },
      acceptsUntilExpiry,
    );
    await this.#admit(follower);
    const tail = this.#options.tail();
    // A hint that is true must be in what answers a pull that was sent after it; and who
    // comes from a node that has heard more goes on from there.
    const isAhead = this.#passage.head?.epoch === cursor.epoch && cursor.seq > this.#passage.head.seq;
    if (tail.isHinted || isAhead) await within(PATIENCE, tail.catchUp());
    const { head, salt } = await this.#place();
    // From here on nothing is awaited: head, entries and age are of one moment.
    const entries = this.#entriesAfter(cursor, salt);
    if (entries !== null) remote.acknowledge(follower, cursor.seq);
    const fields = JSON.stringify({
      epoch: head.epoch,
      epoch_start: tail.epochStart,
      tag: head.tag,
      head: head.seq,
      now: Math.floor(log.now() / 1_000),
      age_ms: Math.ceil(tail.lag()),
      max_staleness_ms: tail.maxStaleness,
      salt: idFromBytes(salt),
    });
    return `${fields.slice(0, -1)},"entries":${entries === null ? 'null' : `[${entries.join(',')}]`}}`;
  }

  /**
   * The whole live set.
   *
   * @returns its length in bytes, and what begins to hand it out, which throws as `Snapshots.download`.
   * @throws `LK_NOT_FRESH`, `LK_STORE_UNAVAILABLE`.
   */
  async snapshot(client: string): Promise<{
    readonly length: number;
    readonly open: (cut: (() => void) | null) => ReadableStream<Uint8Array>;
  }> {
    this.#requireFresh();
    const head = this.#passage.head;
    if (head === null) throw notFresh();
    const snapshot: Snapshot = await this.#snapshots.get(
      head,
      (of) => this.#passage.isKnown(of) && this.#passage.countAfter(of.seq) <= MOST_BEHIND,
    );
    return { length: snapshot.length, open: (cut) => this.#snapshots.download(client, snapshot, cut) };
  }

  /**
   * Opens a stream of hints, which begins with what came after a position and is at hand.
   *
   * @throws `LK_NOT_FRESH`, `LK_STORE_UNAVAILABLE`, and as `HintStreams.open`.
   */
  async listen(listener: Listener, after: Position | null): Promise<ReadableStream<Uint8Array>> {
    this.#requireFresh();
    const { salt } = await this.#place();
    const { log } = this.#options;
    const missed =
      after === null ? [] : this.#passage.after(after, log.now(), (entry) => textOf(salt, entry));
    return this.#streams.open(
      listener,
      missed.slice(-MOST_TOLD).map(({ seq, text }) => eventOf(seq, text)),
    );
  }

  /** Ends all streams, and opens no more before `resume`. */
  stop(): void {
    this.#streams.stop();
  }

  /** Opens streams again. */
  resume(): void {
    this.#streams.resume();
  }

  /**
   * Sees to it that every node knows of the follower, and that this node has asked the log
   * after that: what was revoked before is in the answer, and whatever is revoked later waits for it.
   */
  async #admit(follower: RemoteFollower): Promise<void> {
    if (follower.admitted) return;
    follower.admission ??= this.#register(follower).finally(() => {
      follower.admission = null;
    });
    await follower.admission;
  }

  async #register(follower: RemoteFollower): Promise<void> {
    await this.#options.log.report();
    if (!(await this.#options.tail().catchUp())) throw notFresh();
    follower.admitted = true;
  }

  #entriesAfter(cursor: Cursor, salt: Uint8Array): readonly string[] | null {
    if (!this.#passage.isKnown(cursor)) return null;
    if (this.#passage.countAfter(cursor.seq) > MOST_ENTRIES) return null;
    const now = this.#options.log.now();
    return this.#passage.after(cursor.seq, now, (entry) => textOf(salt, entry)).map(({ text }) => text);
  }

  /** What somebody says was revoked: to be told at once, and once. */
  #hear(entries: readonly Entry[]): void {
    const head = this.#passage.head?.seq ?? 0;
    const news = entries.filter((entry) => entry.seq > head && !this.#isTold(entry));
    this.#tell(news);
    for (const entry of news) {
      if (this.#heard.size < MOST_HEARD) this.#heard.set(entry.seq, nameOf(entry));
    }
  }

  #isTold(entry: Entry): boolean {
    return this.#heard.get(entry.seq) === nameOf(entry);
  }

  #tell(entries: readonly Entry[]): void {
    const salt = this.#salt?.bytes;
    if (salt !== undefined && this.#streams.size > 0) {
      const told = entries.slice(-MOST_TOLD);
      this.#streams.send(told.map((entry) => eventOf(entry.seq, textOf(salt, entry))));
    }
    // By then the node's own copy has taken them in, which a check goes by.
    setImmediate(() => {
      for (const { scope, subject } of entries) if (scope === 'client') this.#streams.recheck(subject);
    });
  }

  async #makeSnapshot(): Promise<MadeSnapshot> {
    await this.#findSalt();
    // From here on nothing is awaited until all that is of this moment has been asked for.
    const { log } = this.#options;
    const tail = this.#options.tail();
    const of = tail.cursor;
    if (of === null) throw notFresh();
    const salt = this.#saltOf(of);
    const { epoch, seq: head, tag } = of;
    const about = { salt, epoch, epochStart: tail.epochStart, head, tag, now: log.now() };
    return { of, parts: await encodeSnapshot(about, tail.sections(), breath) };
  }

  /**
   * Where the log stands, with the salt of that history.
   *
   * @throws `LK_NOT_FRESH`, also where a history began meanwhile.
   */
  async #place(): Promise<{ readonly head: Cursor; readonly salt: Uint8Array }> {
    await this.#findSalt();
    const head = this.#passage.head;
    this.#requireFresh();
    if (head === null) throw notFresh();
    return { head, salt: this.#saltOf(head) };
  }

  async #findSalt(): Promise<void> {
    const epoch = this.#passage.head?.epoch ?? '';
    if (this.#salt?.epoch === epoch) return;
    const text = await this.#options.store.meta.putOnce(FEED_SALT, randomBytes(16).toString('base64url'));
    this.#salt = { epoch, bytes: idBytes(text) };
  }

  /** @throws `LK_NOT_FRESH` where the salt is that of another history: one began while it was asked for. */
  #saltOf({ epoch }: Cursor): Uint8Array {
    if (this.#salt?.epoch !== epoch) throw notFresh();
    return this.#salt.bytes;
  }

  #requireFresh(): void {
    if (!this.#options.tail().isFresh()) throw notFresh();
  }
}

function notFresh(): Error {
  return failure('LK_NOT_FRESH', { retryAfter: RETRY_AFTER });
}

function nameOf({ kind, scope, subject }: Entry): string {
  return `${kind} ${scope} ${subject}`;
}

/** `[seq, kind, scope, subject, expires_at]` */
function textOf(salt: Uint8Array, { seq, kind, scope, subject, expiresAt }: Entry): string {
  return JSON.stringify([seq, kind, scope, feedSubject(salt, scope, subject), Math.ceil(expiresAt / 1_000)]);
}

function eventOf(seq: Position, text: string): string {
  return `event: entry\nid: ${seq}\ndata: ${text}\n\n`;
}

function breath(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
