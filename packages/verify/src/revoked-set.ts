import { isSixteenBytes } from './base64url.ts';
import type { Seconds, Timestamp } from './clock.ts';
import type { Entry, EntryKind, Position, Scope } from './log-entry.ts';
import { type Leaf, NO_POSITION, SortedSlots } from './sorted-slots.ts';
import { readSubject, SUBJECT_WORDS } from './subject.ts';

/** What the log needs to know of a credential to judge it. A subject that is empty is none. */
export interface Facts {
  /** The log's head before the first fact that the credential rests on was read. */
  readonly rs: Position;
  /** `null` for a client itself, which has none. */
  readonly session: string | null;
  /** `null` before login. */
  readonly user: string | null;
  /** The client's subject, not its name. */
  readonly client: string;
  /** The subject of the key that signed the credential; `null` where none did. */
  readonly signingKey: string | null;
}

/** Scopes of which an entry kills whatever the position: a session is over, and who holds a key writes any position. */
export type AbsoluteScope = Extract<Scope, 'session' | 'signing_key'>;

/** `stale`: still good, but what is known about it no longer is. */
export type Verdict = 'ok' | 'revoked' | 'stale';

/** All that is held of one kind and scope. */
export interface EntrySection {
  readonly kind: EntryKind;
  readonly scope: Scope;
  readonly slots: LiveSlots;
}

/** What can be gone through a part at a time while it goes on changing. */
export interface LiveSlots {
  readonly size: number;
  /** As `SortedSlots` says. */
  copyAfter(subject: Uint32Array | null, to: Leaf): void;
}

/** So many leaves are purged in one step: some thirty thousand slots, a millisecond or two. */
const PURGED_LEAVES = 64;
/** So many leaves are taken over in one step: some sixteen thousand slots, a few milliseconds. */
const ABSORBED_LEAVES = 32;
const KINDS = ['revoke', 'changed'] as const;
const LATEST_EXPIRY: Seconds = 2 ** 32 - 1;

/**
 * The live entries of the log, in memory, arranged for the question that every
 * check asks: does any of them speak of this credential?
 *
 * One slot per kind, scope and subject, with the highest position and the
 * latest expiry, so that the order and the number of deliveries do not matter.
 */
export class RevokedSet {
  readonly #revoke = new Map<Scope, SortedSlots>();
  readonly #changed = new Map<Scope, SortedSlots>();
  /** What a subject is read into: a check makes nothing that would have to be collected. */
  readonly #subject = new Uint32Array(SUBJECT_WORDS);
  /** Which of the sections is purged first. */
  #hand = 0;

  /** How many slots are taken. */
  get size(): number {
    let size = 0;
    for (const slots of this.#sections()) size += slots.size;
    return size;
  }

  /** @throws {TypeError} for a subject that is not sixteen bytes, and for scope `all` not empty. */
  apply({ kind, scope, subject, seq, expiresAt }: Entry): void {
    if (!isSubjectOf(scope, subject)) throw new TypeError(`an entry of scope ${scope} has another subject`);
    this.#read(subject);
    this.#slots(kind, scope).put(this.#subject, seq, secondsUp(expiresAt));
  }

  /**
   * Takes over slots as a snapshot holds them: ascending, and all behind those that the
   * kind and scope have.
   */
  append(kind: EntryKind, scope: Scope, leaf: Leaf): void {
    this.#slots(kind, scope).append(leaf);
  }

  /** What is held, as it is. */
  sections(): readonly EntrySection[] {
    return KINDS.flatMap((kind) => [...this.#of(kind)].map(([scope, slots]) => ({ kind, scope, slots })));
  }

  /**
   * Takes over a part of what another set holds, which loses it: call it again until the other
   * is empty. Until then whoever asks both misses nothing, for no slot is ever in neither.
   */
  absorb(other: RevokedSet): void {
    let left = ABSORBED_LEAVES;
    for (const kind of KINDS) {
      for (const [scope, from] of other.#of(kind)) {
        const to = this.#slots(kind, scope);
        for (; left > 0 && from.size > 0; left -= 1) {
          const leaf = from.takeLast();
          if (leaf !== null) to.putAll(leaf);
        }
      }
    }
  }

  /** Whether trust in the subject itself has ended. */
  isRevoked(scope: AbsoluteScope, subject: string): boolean {
    return this.#position('revoke', scope, subject) !== NO_POSITION;
  }

  /** Whether anything that is known of the subject has changed since a position. */
  hasChanged(scope: Scope, subject: string, since: Position): boolean {
    return this.#position('changed', scope, subject) > since;
  }

  /**
   * The one rule of match (R2): an entry about the session itself kills whatever its
   * position, and so does one about the key that signed, since whoever holds that
   * key writes any position; every other kind of entry kills, or makes stale, what is older
   * than itself.
   */
  judge(facts: Facts): Verdict {
    if (facts.session !== null && this.isRevoked('session', facts.session)) return 'revoked';
    if (facts.signingKey !== null && this.isRevoked('signing_key', facts.signingKey)) return 'revoked';
    if (this.#newer('revoke', facts)) return 'revoked';
    if (this.#newer('changed', facts)) return 'stale';
    if (facts.session !== null && this.hasChanged('session', facts.session, facts.rs)) return 'stale';
    return 'ok';
  }

  /**
   * Drops what can no longer affect anything. Of a large set only a part is looked at,
   * another each time: what stays a little longer harms nobody.
   */
  purge(now: Timestamp): void {
    const seconds = Math.floor(now / 1_000);
    const sections = [...this.#sections()];
    let left = PURGED_LEAVES;
    // Another section first each time, so that a large one leaves the others their turn.
    this.#hand += 1;
    for (let turn = 0; turn < sections.length && left > 0; turn += 1) {
      left -= sections[(this.#hand + turn) % sections.length]?.purge(seconds, left) ?? 0;
    }
  }

  #newer(kind: EntryKind, { rs, user, client }: Facts): boolean {
    return (
      this.#position(kind, 'all', '') > rs ||
      (user !== null && this.#position(kind, 'user', user) > rs) ||
      this.#position(kind, 'client', client) > rs
    );
  }

  #position(kind: EntryKind, scope: Scope, subject: string): Position {
    const slots = this.#of(kind).get(scope);
    if (slots === undefined || slots.size === 0) return NO_POSITION;
    if (subject === '' && scope !== 'all') return NO_POSITION;
    this.#read(subject);
    return slots.find(this.#subject);
  }

  /** @throws {TypeError} for a text that is neither empty nor sixteen bytes: nothing could be found by it. */
  #read(subject: string): void {
    if (subject === '') this.#subject.fill(0);
    else if (!readSubject(subject, this.#subject))
      throw new TypeError('a subject is sixteen bytes in base64url');
  }

  *#sections(): Generator<SortedSlots> {
    yield* this.#revoke.values();
    yield* this.#changed.values();
  }

  #of(kind: EntryKind): Map<Scope, SortedSlots> {
    return kind === 'revoke' ? this.#revoke : this.#changed;
  }

  #slots(kind: EntryKind, scope: Scope): SortedSlots {
    const scopes = this.#of(kind);
    let slots = scopes.get(scope);
    if (slots === undefined) {
      slots = new SortedSlots();
      scopes.set(scope, slots);
    }
    return slots;
  }
}

/** Whether an entry of the scope can be about the subject. */
export function isSubjectOf(scope: Scope, subject: string): boolean {
  return scope === 'all' ? subject === '' : isSixteenBytes(subject);
}

/** Never earlier than it was said. */
function secondsUp(time: Timestamp): Seconds {
  return Math.min(LATEST_EXPIRY, Math.max(0, Math.ceil(time / 1_000)));
}
