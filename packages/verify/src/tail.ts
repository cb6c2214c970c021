import { type Clock, type Millis, type Moment, momentOf, type Timestamp } from './clock.ts';
import { FormerSets } from './former-sets.ts';
import type { Cursor, Entry, Position, Scope } from './log-entry.ts';
import type { Loaded, LogSource, Pull } from './log-source.ts';
import {
  type AbsoluteScope,
  type EntrySection,
  type Facts,
  isSubjectOf,
  RevokedSet,
  type Verdict,
} from './revoked-set.ts';

/** How far a follower's wall clock may be from the log's before its copy is no longer trusted. */
const CLOCK_LEEWAY: Millis = 30_000;
/** So many hints are held until the log has been asked; further ones only make it be asked. */
const MOST_HINTED = 10_000;

export interface TailOptions {
  readonly source: LogSource;
  readonly clock: Clock;
  /** How often the tail pulls when nothing hints. */
  readonly interval?: Millis;
  /**
   * How long after a hint the tail pulls: a little, so that many hints make one pull, and
   * another time each time, so that not all followers pull at once. Default 20 ms.
   */
  readonly pause?: () => Millis;
  /** Told of each pull that failed; the tail goes on and is not fresh meanwhile. */
  readonly onError?: (error: unknown) => void;
  /** Told when a pull has brought the tail to the log's head. */
  readonly onConfirmed?: (cursor: Cursor) => void;
  /** Told what was heard, by hint or by pull, once checks go by it; `null` where all may have changed. */
  readonly onHeard?: (entries: readonly Entry[] | null) => void;
}

/** A pull as it was sent. */
interface Sent extends Moment {
  readonly number: number;
}

/** What somebody said was revoked, when it was heard, and after how many pulls. */
interface Hinted {
  readonly entry: Entry;
  readonly heardAt: Millis;
  readonly sent: number;
}

/**
 * A copy of the revocation log that knows how old it is.
 *
 * A push is a hint, a pull is the proof: only a pull moves the cursor, and the
 * copy is as fresh as the moment at which the last pull was *sent*, counted
 * only if its answer brought the cursor to the log's head.
 */
export class Tail {
  readonly #options: TailOptions;
  readonly #interval: Millis;
  readonly #pause: () => Millis;
  #revoked = new RevokedSet();
  readonly #former = new FormerSets();
  #salt: string | null = null;
  /** What was only hinted at, until a pull has said what is so. */
  #hinted: Hinted[] = [];
  #hintedSet = new RevokedSet();
  /** How many pulls were sent. */
  #sent = 0;
  #cursor: Cursor | null = null;
  #confirmed: Moment | null = null;
  #maxStaleness: Millis = 0;
  #clockOffset: Millis = 0;
  #epochStart: Position = 0;
  /** The log's clock and the monotonic one at the first pull of this history. */
  #origin: { readonly log: Timestamp; readonly monotonic: Millis } | null = null;
  #timer: NodeJS.Timeout | undefined;
  #soon: NodeJS.Timeout | undefined;
  #turn: NodeJS.Immediate | undefined;
  #starting: Promise<void> | null = null;
  /** Another one after each stop, `null` while stopped: what was asked for in one is not gone by in the next. */
  #life: symbol | null = Symbol();
  #unsubscribe: (() => void) | undefined;
  #inFlight: Promise<boolean> | null = null;
  #next: Promise<boolean> | null = null;

  constructor(options: TailOptions) {
    this.#options = options;
    this.#interval = options.interval ?? 1_000;
    this.#pause = options.pause ?? (() => 20);
  }

  get cursor(): Cursor | null {
    return this.#cursor;
  }

  /** How long the copy may be trusted without a further pull, as the log's side said last. */
  get maxStaleness(): Millis {
    return this.#maxStaleness;
  }

  /** Live entries held. */
  get size(): number {
    return this.#revoked.size + this.#former.size;
  }

  /** What the log's subjects are hashed with, or `null` where they are as they are. */
  get salt(): string | null {
    return this.#salt;
  }

  /** Above every position of an older history than the one that the last pull was of. */
  get epochStart(): Position {
    return this.#epochStart;
  }

  /** Whether something was hinted at that no pull has told of yet. */
  get isHinted(): boolean {
    return this.#hinted.length > 0;
  }

  /** What is held of what pulls have brought; it changes with the next of them. */
  sections(): readonly EntrySection[] {
    return this.#revoked.sections();
  }

  /** Follows the log. Resolves when the first pull has been applied, or when it was stopped meanwhile; rejects where that one failed. */
  start(): Promise<void> {
    this.#life ??= Symbol();
    return (this.#starting ??= this.#begin());
  }

  /**
   * Ends the following. The copy is not fresh from now on, for nobody waits for whoever has
   * stopped, and the next `start` asks for the whole: meanwhile the clock may have been set.
   *
   * @returns resolves when no pull is on its way; none is sent before the next `start`.
   */
  async stop(): Promise<void> {
    this.#life = null;
    this.#forget();
    this.#unfollow();
    await (this.#next ?? this.#inFlight);
  }

  /** What is held stays held; only the whole confirms it. */
  #forget(): void {
    this.#cursor = null;
    this.#confirmed = null;
  }

  #unfollow(): void {
    this.#starting = null;
    clearInterval(this.#timer);
    this.#timer = undefined;
    clearTimeout(this.#soon);
    this.#soon = undefined;
    clearImmediate(this.#turn);
    this.#turn = undefined;
    this.#unsubscribe?.();
    this.#unsubscribe = undefined;
  }

  async #begin(): Promise<void> {
    const unsubscribe = this.#options.source.onHint((entries, atOnce) => this.hint(entries, atOnce));
    this.#unsubscribe = unsubscribe;
    let failure: unknown = null;
    // Among the others, so that a hint that comes meanwhile makes no second pull of the whole.
    const pulled = await this.#track(async () => {
      try {
        return await this.#pull();
      } catch (error) {
        failure = error;
        return false;
      }
    });
    // Stopped while the first pull was on its way: nothing may go on.
    if (this.#unsubscribe !== unsubscribe) return;
    if (!pulled) {
      this.#unfollow();
      throw failure instanceof Error ? failure : new Error('the first pull failed', { cause: failure });
    }
    this.#timer = setInterval(() => void this.catchUp(), this.#interval);
    this.#timer.unref();
  }

  /**
   * Adds what somebody says was revoked, until the log has been asked, and asks the log
   * whether it is so: soon, or at once. Whoever may notify may say anything, so it is no
   * more than that.
   */
  hint(entries: readonly Entry[], atOnce = false): void {
    const heard: Entry[] = [];
    const heardAt = this.#options.clock.monotonic();
    for (const entry of entries) {
      if (this.#hinted.length >= MOST_HINTED) break;
      if (!isSubjectOf(entry.scope, entry.subject)) continue;
      this.#hinted.push({ entry, heardAt, sent: this.#sent });
      this.#hintedSet.apply(entry);
      heard.push(entry);
    }
    if (heard.length > 0) this.#options.onHeard?.(heard);
    if (atOnce) {
      // Whoever hears of it with this goes first: where the store works on this thread, a pull holds it up.
      this.#turn ??= setImmediate(() => {
        this.#turn = undefined;
        void this.catchUp();
      });
      return;
    }
    this.#soon ??= setTimeout(() => {
      this.#soon = undefined;
      void this.catchUp();
    }, this.#pause()).unref();
  }

  /**
   * Resolves when a pull that was sent after this call has been answered (true), or has
   * failed (false). Calls made while one is on its way share the next one.
   */
  catchUp(): Promise<boolean> {
    return this.#track(async () => {
      try {
        return await this.#pull();
      } catch (error) {
        this.#options.onError?.(error);
        return false;
      }
    });
  }

  #track(run: () => Promise<boolean>): Promise<boolean> {
    const done = (): void => {
      this.#inFlight = this.#next;
      this.#next = null;
    };
    if (this.#inFlight === null) return (this.#inFlight = run().finally(done));
    return (this.#next ??= this.#inFlight.then(run).finally(done));
  }

  /**
   * How old the copy is, by whichever clock says more: the monotonic one stands
   * still while a machine is suspended, the wall clock can step back.
   */
  lag(): Millis {
    if (this.#confirmed === null) return Number.POSITIVE_INFINITY;
    const monotonic = this.#options.clock.monotonic() - this.#confirmed.monotonic;
    const wall = this.#options.clock.now() - this.#confirmed.wall;
    if (monotonic - wall > CLOCK_LEEWAY) return Number.POSITIVE_INFINITY;
    return Math.max(monotonic, wall);
  }

  isFresh(): boolean {
    return Math.abs(this.#clockOffset) <= CLOCK_LEEWAY && this.lag() < this.#maxStaleness;
  }

  /** Whether this machine's wall clock was the log's at the last pull, and has not been moved since. */
  isClockRight(): boolean {
    if (Math.abs(this.#clockOffset) > CLOCK_LEEWAY) return false;
    if (this.#confirmed === null) return true;
    const monotonic = this.#options.clock.monotonic() - this.#confirmed.monotonic;
    const wall = this.#options.clock.now() - this.#confirmed.wall;
    return Math.abs(monotonic - wall) <= CLOCK_LEEWAY;
  }

  /**
   * Whether what is known of a credential can be relied on. `unknown` means that
   * this copy cannot tell: whoever holds the truth must be asked.
   */
  check(facts: Facts): Verdict | 'unknown' {
    if (this.#cursor === null || !this.isFresh()) return 'unknown';
    const verdict = this.heard(facts);
    // A position above the head is of a history that this copy does not know, and so is
    // one below the epoch's start. But what kills whatever the position goes first: a
    // thief of a key writes any.
    const known = facts.rs >= this.#epochStart && facts.rs <= this.#cursor.seq;
    return verdict === 'revoked' || known ? verdict : 'unknown';
  }

  /**
   * What was heard of a credential, however old the copy is: that much of it holds; `ok`
   * says only that nothing was heard.
   */
  heard(facts: Facts): Verdict {
    let worst: Verdict = 'ok';
    for (const set of this.#sets()) {
      const verdict = set.judge(facts);
      if (verdict === 'revoked') return verdict;
      if (verdict === 'stale') worst = verdict;
    }
    return worst;
  }

  /** Whether anything was heard that ends trust in the subject itself, however old the copy is. */
  isRevoked(scope: AbsoluteScope, subject: string): boolean {
    return this.#sets().some((set) => set.isRevoked(scope, subject));
  }

  /** Whether it was heard that what is known of the subject has changed since a position. */
  hasChanged(scope: Scope, subject: string, since: Position): boolean {
    return this.#sets().some((set) => set.hasChanged(scope, subject, since));
  }

  #sets(): readonly RevokedSet[] {
    const held = [this.#revoked, ...this.#former.all];
    return this.#hinted.length === 0 ? held : [...held, this.#hintedSet];
  }

  /** @returns whether the copy was confirmed: none that was stopped is. */
  async #pull(): Promise<boolean> {
    const life = this.#life;
    if (life === null) return false;
    const { source } = this.#options;
    let sent = this.#send();
    const cursor = this.#cursor;
    let answer = await source.pull(this.#wasAhead(sent) ? null : cursor);
    if (!isLoaded(answer) && cursor !== null && answer.epoch === cursor.epoch && answer.head < cursor.seq) {
      // The log has forgotten what this copy has seen: until a pull of the whole is
      // answered, nothing confirms it.
      this.#forget();
      answer = await source.pull(null);
    }
    if (isLoaded(answer)) {
      if (this.#life !== life) return false;
      this.#load(answer);
      sent = this.#send();
      answer = await answer.prove();
    }
    if (this.#life !== life) return false;
    this.#apply(answer, sent);
    return true;
  }

  #send(): Sent {
    this.#sent += 1;
    return { ...momentOf(this.#options.clock), number: this.#sent };
  }

  /**
   * What was hinted at is told by a pull that has come as far, and is not true where one says
   * otherwise that is of after it was heard: who answered may have heard less until then.
   */
  #dropHints({ head, age }: Pull, sent: Sent): void {
    if (this.#hinted.length === 0) return;
    const isOpen = ({ entry, heardAt, sent: before }: Hinted): boolean =>
      entry.seq > head && (before >= sent.number || heardAt > sent.monotonic - age);
    this.#hinted = this.#hinted.filter(isOpen);
    this.#hintedSet = new RevokedSet();
    for (const { entry } of this.#hinted) this.#hintedSet.apply(entry);
  }

  /** R6: while the wall clock was ahead, what it took for expired may have been left out. */
  #wasAhead(now: Moment): boolean {
    if (this.#confirmed === null) return false;
    const wall = now.wall - this.#confirmed.wall;
    return now.monotonic - this.#confirmed.monotonic - wall > CLOCK_LEEWAY;
  }

  /**
   * Takes in the whole, by which checks go from now on. Within its history a copy stays as
   * fresh as it was, because the whole is no older; of another one nothing was proved.
   */
  #load({ set, salt, cursor, epochStart }: Loaded): void {
    const continues = this.#cursor?.epoch === cursor.epoch;
    if (!continues) this.#origin = null;
    if (!continues || salt !== this.#salt) this.#confirmed = null;
    this.#exchange(set, salt, continues);
    this.#cursor = cursor;
    this.#epochStart = epochStart;
    this.#options.onHeard?.(null);
  }

  /** What is held is kept through a new epoch: what was revoked stays so, and positions only rise (R8). */
  #apply(pull: Pull, sent: Sent): void {
    const before = this.#cursor;
    const continues = before?.epoch === pull.epoch;
    if (!continues) {
      if (!pull.whole) throw new TypeError('the log answered a part of its entries to a tail that has none');
      this.#origin = null;
    }
    for (const entry of pull.entries) this.#revoked.apply(entry);
    this.#dropHints(pull, sent);
    this.#cursor = { epoch: pull.epoch, seq: pull.head, tag: pull.tag };
    this.#epochStart = pull.epochStart;
    this.#confirmed = { wall: sent.wall - pull.age, monotonic: sent.monotonic - pull.age };
    this.#maxStaleness = pull.maxStaleness;
    this.#clockOffset = pull.now - this.#options.clock.now();
    // R6: what may still be remembered lives by the monotonic clock, so a log's
    // clock that steps forward must not make its entries die any earlier.
    this.#origin ??= { log: pull.now, monotonic: sent.monotonic };
    const purged = Math.min(pull.now, this.#origin.log + sent.monotonic - this.#origin.monotonic);
    this.#revoked.purge(purged);
    this.#former.tidy(purged);
    this.#options.onConfirmed?.(this.#cursor);
    this.#options.onHeard?.(continues ? pull.entries : null);
  }

  /**
   * In the same history the whole has all that was held and that still lives. In another one
   * it may lack what a failover has lost: that stays beside it until it expires, unless its
   * subjects are spelled otherwise, so that nothing could be found by them.
   */
  #exchange(whole: RevokedSet, salt: string, continues: boolean): void {
    if (salt !== this.#salt) this.#former.forget();
    else if (!continues) this.#former.add(this.#revoked);
    this.#revoked = whole;
    this.#salt = salt;
  }
}

function isLoaded(answer: Pull | Loaded): answer is Loaded {
  return 'prove' in answer;
}
