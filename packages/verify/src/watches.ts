import { setImmediate as turn } from 'node:timers/promises';
import type { Clock, Millis } from './clock.ts';
import { verifierFailure } from './failures.ts';
import type { Entry } from './log-entry.ts';
import type { Tail } from './tail.ts';
import type { Checked } from './token-check.ts';

/**
 * Why something that was begun with a good token must end: trust has ended, what the token
 * says has changed, or nobody can tell any more.
 */
export type EndReason = 'revoked' | 'stale' | 'unknown';

/** What ends it. */
export type Close = (reason: EndReason) => void;

interface Watch {
  readonly checked: Checked;
  readonly close: Close;
  /** The keys under which it is found, and the salt that they were hashed with. */
  keys: readonly string[];
  salt: string | null;
}

const MOST_WATCHES = 100_000;
/** So many are judged before others have their turn. */
const AT_ONCE = 250;
/** Before the first pull nobody has said how long a copy may be trusted. */
const FIRST_STALENESS: Millis = 5_000;

export interface WatchesOptions {
  readonly clock: Clock;
  readonly tail: Tail;
  /** Whether nobody minds that the copy is not fresh. */
  readonly acceptsUnknown: boolean;
  /** Told of what a `close` threw or rejected with. */
  readonly onError: (error: unknown) => void;
}

/**
 * What goes on after its token was checked: sockets, streams, jobs. Found by subject, so
 * that an entry costs as much as it concerns; only one about everybody looks at all.
 */
export class Watches {
  readonly #options: WatchesOptions;
  readonly #all = new Set<Watch>();
  readonly #bySubject = new Map<string, Set<Watch>>();
  #salt: string | null = null;
  #lostAt: Millis | null = null;
  #isGoingThrough = false;
  #again = false;

  constructor(options: WatchesOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#all.size;
  }

  /**
   * Calls `close` once when the log speaks against what was checked.
   *
   * @returns what ends the watch.
   * @throws `LK_BUSY` where a hundred thousand are watched.
   */
  add(checked: Checked, close: Close): () => void {
    if (this.#all.size >= MOST_WATCHES) throw verifierFailure('LK_BUSY', { retryAfter: 1_000 });
    this.#followSalt();
    const watch: Watch = { checked, close, keys: [], salt: null };
    this.#all.add(watch);
    this.#index(watch);
    // Something may have been heard since it was checked.
    this.#judge(watch);
    return () => this.#drop(watch);
  }

  /** Looks at whom these entries are about; at all where it is not known what was heard. */
  heard(entries: readonly Entry[] | null): void {
    if (this.#all.size === 0) return;
    this.#followSalt();
    if (entries === null || entries.some(({ scope }) => scope === 'all' || scope === 'organisation')) {
      this.#judgeAll();
      return;
    }
    const found = entries.map(({ scope, subject }) => this.#bySubject.get(`${scope} ${subject}`));
    if (found.reduce((sum, watches) => sum + (watches?.size ?? 0), 0) > AT_ONCE) this.#judgeAll();
    else for (const watches of found) for (const watch of watches ?? []) this.#judge(watch);
  }

  /** Ends all where the copy has not been fresh for as long as it may be trusted. To be called each second. */
  noteFreshness(): void {
    const { clock, tail, acceptsUnknown } = this.#options;
    if (acceptsUnknown || tail.isFresh()) this.#lostAt = null;
    else this.#lostAt ??= clock.monotonic();
    if (this.#isLost()) this.#judgeAll();
  }

  #isLost(): boolean {
    const { clock, tail } = this.#options;
    const longest = tail.maxStaleness === 0 ? FIRST_STALENESS : tail.maxStaleness;
    if (this.#lostAt === null || tail.isFresh()) return false;
    return clock.monotonic() - this.#lostAt >= longest;
  }

  #judgeAll(): void {
    this.#again = true;
    if (!this.#isGoingThrough) void this.#goThrough();
  }

  /** Once more where somebody has heard more meanwhile, and nothing is awaited between the last look at that and the end. */
  async #goThrough(): Promise<void> {
    this.#isGoingThrough = true;
    while (this.#again) {
      this.#again = false;
      let judged = 0;
      for (const watch of this.#all) {
        if (watch.salt !== this.#salt) this.#index(watch);
        this.#judge(watch);
        judged += 1;
        if (judged % AT_ONCE === 0) await turn();
      }
    }
    this.#isGoingThrough = false;
  }

  #judge(watch: Watch): void {
    const { tail, acceptsUnknown } = this.#options;
    const { subjects, rs, saysMore } = watch.checked;
    const verdict = tail.heard(subjects.facts(rs, tail.salt));
    if (verdict === 'revoked') this.#end(watch, 'revoked');
    else if (verdict === 'stale' && saysMore) this.#end(watch, 'stale');
    // Of an older history this copy cannot tell, however fresh it is.
    else if (rs < tail.epochStart && !acceptsUnknown) this.#end(watch, 'unknown');
    else if (this.#isLost()) this.#end(watch, 'unknown');
  }

  #end(watch: Watch, reason: EndReason): void {
    if (!this.#all.has(watch)) return;
    this.#drop(watch);
    // Not within whatever is being applied: it may do anything, and reject later.
    Promise.resolve(reason).then(watch.close).catch(this.#options.onError);
  }

  #drop(watch: Watch): void {
    this.#all.delete(watch);
    this.#unindex(watch);
  }

  #unindex(watch: Watch): void {
    for (const key of watch.keys) {
      const found = this.#bySubject.get(key);
      found?.delete(watch);
      if (found?.size === 0) this.#bySubject.delete(key);
    }
  }

  #index(watch: Watch): void {
    const { subjects, rs } = watch.checked;
    const { session, user, client, signingKey } = subjects.facts(rs, this.#salt);
    watch.keys = [
      ...(session === null ? [] : [`session ${session}`]),
      ...(user === null ? [] : [`user ${user}`]),
      ...(signingKey === null ? [] : [`signing_key ${signingKey}`]),
      `client ${client}`,
    ];
    watch.salt = this.#salt;
    for (const key of watch.keys) {
      const found = this.#bySubject.get(key);
      if (found === undefined) this.#bySubject.set(key, new Set([watch]));
      else found.add(watch);
    }
  }

  /**
   * Where the log comes with another salt, all are hashed anew, some at a time. Whoever is not
   * found meanwhile is judged when it is its turn, by all that was heard until then.
   */
  #followSalt(): void {
    const { salt } = this.#options.tail;
    if (salt === this.#salt) return;
    this.#salt = salt;
    this.#bySubject.clear();
    if (this.#all.size > 0) this.#judgeAll();
  }
}
