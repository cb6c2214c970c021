import type { Clock, Cursor, Millis, Position, Timestamp } from '@latchkey/verify';
import { type Duration, parseDuration } from '../foundation/durations.ts';
import { newId } from '../foundation/ids.ts';
import type { ReceiptHolder, ReceiptId, ReceiptRecord } from '../stores/records.ts';
import { type Bounds, MOST } from './bounds.ts';
import { type FollowerSources, findFollowers, type KnownFollower } from './followers.ts';

/** How long a receipt can be asked for. */
const RECEIPT_LIFE: Millis = 3_600_000;
/** The longest that a gateway may keep what it was answered, as `docs/gateway.md` asks. */
const GATEWAY_CACHE: Millis = 1_000;
/** How often followers in other processes are asked about while somebody waits. */
const POLL: Millis = 200;

/** What is known of a revocation now. Counts only, so that it can be handed to anyone. */
export interface ReceiptState {
  readonly id: ReceiptId;
  /** When the revocation was durable. */
  readonly at: Timestamp;
  /**
   * From here on no one who follows the log accepts what was revoked, whatever breaks; but for
   * those who accept until expiry what they cannot know of.
   */
  readonly deadline: Timestamp;
  /**
   * Every follower registered before `at` has confirmed, or cannot accept it any more: the
   * deadline has passed, and for those who accept until expiry, `tokensDeadBy`.
   */
  readonly settled: boolean;
  readonly followers: {
    readonly confirmed: number;
    readonly pending: number;
    /** Of those pending, who accept until expiry; left out where none does. */
    readonly untilExpiry?: number;
  };
  /** From here on nobody accepts it, those included who only read a token's expiry. */
  readonly tokensDeadBy: Timestamp;
}

/** The same for administrators: where in the log it stands, and who the followers are. */
export interface ReceiptDetails extends ReceiptState {
  readonly seq: Position;
  readonly epoch: string;
  /** Names of followers, as often as there are processes of that name. */
  readonly names: { readonly confirmed: readonly string[]; readonly pending: readonly string[] };
}

/** The answer to every call that ends trust. */
export interface Receipt extends ReceiptState {
  /** Resolves with the state when it is settled, or as it is when the time is over. */
  settledWithin(options: { readonly timeout: Duration }): Promise<ReceiptState>;
  /** The state as of now with what administrators alone should see. */
  details(): Promise<ReceiptDetails>;
}

export interface ReceiptsOptions {
  readonly followers: FollowerSources;
  readonly clock: Clock;
  readonly bounds: Bounds;
  /** Told of a receipt that could not be written down: it holds, and cannot be asked for later. */
  readonly onError: (error: unknown) => void;
}

/** Says who has applied a revocation, and by when no one can still be without it. */
export class Receipts {
  readonly #options: ReceiptsOptions;

  constructor(options: ReceiptsOptions) {
    this.#options = options;
  }

  /** Where they read who follows. */
  get sources(): FollowerSources {
    return this.#options.followers;
  }

  /**
   * Opens the receipt of a revocation that has just been committed. Its time is
   * taken after the commit, because a follower that pulled before it may be
   * fresh for `maxStaleness` from then.
   *
   * @param kept how long those who don't follow may keep what vouched for tokens, counted
   *   from when the last follower has stopped handing it out.
   */
  async open(cursor: Cursor, holder: ReceiptHolder | null, kept: Millis = 0): Promise<Receipt> {
    const { followers, bounds, onError } = this.#options;
    const { store, latest } = followers;
    const at = latest();
    // Of whoever may be fresh for longest, and where that cannot be asked, of anybody.
    const { accessLife, maxStaleness } = await bounds.largest(store).catch(() => MOST);
    const deadline = at + maxStaleness;
    const record: ReceiptRecord = {
      id: newId(at),
      seq: cursor.seq,
      epoch: cursor.epoch,
      at,
      deadline,
      // Of tokens that were issued before the commit, and read at the most that long before.
      tokensDeadBy: Math.max(deadline + Math.max(kept, GATEWAY_CACHE), at + accessLife),
      holder,
      expiresAt: at + RECEIPT_LIFE,
    };
    // The revocation is committed: whatever fails from here on must not look as if it were not.
    const state = await store.receipts
      .create(record)
      .then(() => this.#stateOf(record))
      .catch((error: unknown) => {
        onError(error);
        return unsettled(record);
      });
    return {
      ...countsOf(state),
      settledWithin: async ({ timeout }) => countsOf(await this.#wait(record, parseDuration(timeout))),
      details: () =>
        this.#stateOf(record).catch((error: unknown) => {
          onError(error);
          return unsettled(record);
        }),
    };
  }

  /** The state of a receipt as of now, for whom it was given to; `null` for anybody else. */
  async find(id: ReceiptId, holder: ReceiptHolder, wait: Millis): Promise<ReceiptState | null> {
    const record = await this.#options.followers.store.receipts.find(id);
    if (record === null || !isHeldBy(record, holder)) return null;
    return countsOf(await this.#wait(record, wait));
  }

  /** The same for an administrator, whoever it was given to; `null` where there is none. */
  async findDetails(id: ReceiptId, wait: Millis): Promise<ReceiptDetails | null> {
    const record = await this.#options.followers.store.receipts.find(id);
    return record === null ? null : this.#wait(record, wait);
  }

  async #stateOf(record: ReceiptRecord): Promise<ReceiptDetails> {
    const { followers } = this.#options;
    const { id, at, deadline, tokensDeadBy, seq, epoch } = record;
    // By position, not by time: a clock that is set back must not make anybody look as if it came later.
    const counted = (await findFollowers(followers)).filter(({ registeredSeq }) => registeredSeq < seq);
    const confirmed = counted.filter(({ acknowledged }) => acknowledged >= seq);
    const pending = counted.filter(({ acknowledged }) => acknowledged < seq);
    const untilExpiry = pending.filter(({ acceptsUntilExpiry }) => acceptsUntilExpiry).length;
    const now = followers.now();
    return {
      id,
      at,
      deadline,
      settled: pending.every((follower) => now >= (follower.acceptsUntilExpiry ? tokensDeadBy : deadline)),
      followers: {
        confirmed: confirmed.length,
        pending: pending.length,
        ...(untilExpiry === 0 ? {} : { untilExpiry }),
      },
      tokensDeadBy,
      seq,
      epoch,
      names: { confirmed: confirmed.map(nameOf), pending: pending.map(nameOf) },
    };
  }

  async #wait(record: ReceiptRecord, timeout: Millis): Promise<ReceiptDetails> {
    const until = this.#options.clock.monotonic() + timeout;
    let state = await this.#stateOf(record);
    while (!state.settled && this.#options.clock.monotonic() < until) {
      await new Promise((resolve) => setTimeout(resolve, POLL));
      state = await this.#stateOf(record);
    }
    return state;
  }
}

function nameOf({ name }: KnownFollower): string {
  return name;
}

function isHeldBy({ holder }: ReceiptRecord, asking: ReceiptHolder): boolean {
  if (holder === null) return false;
  if ('user' in asking) return 'user' in holder && holder.user === asking.user;
  return 'client' in holder && holder.client === asking.client;
}

/** What holds of a revocation whatever is known of its followers: the deadline. */
function unsettled({ id, at, deadline, tokensDeadBy, seq, epoch }: ReceiptRecord): ReceiptDetails {
  const followers = { confirmed: 0, pending: 0 };
  const names = { confirmed: [], pending: [] };
  return { id, at, deadline, tokensDeadBy, settled: false, followers, seq, epoch, names };
}

/** What anyone may see of it. */
function countsOf({ id, at, deadline, settled, followers, tokensDeadBy }: ReceiptDetails): ReceiptState {
  return { id, at, deadline, settled, followers, tokensDeadBy };
}
