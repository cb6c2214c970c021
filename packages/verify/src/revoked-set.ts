import type { Timestamp } from './clock.ts';
import type { Entry, EntryKind, Position, Scope } from './log-entry.ts';

/** What the log needs to know of a credential to judge it. */
export interface Facts {
  /** The log's head before the first fact that the credential rests on was read. */
  readonly rs: Position;
  /** `null` for what belongs to none: a client's own key or token. */
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

interface Slot {
  seq: Position;
  expiresAt: Timestamp;
}

/** All that is held of one kind and scope, by subject. */
export interface EntrySection {
  readonly kind: EntryKind;
  readonly scope: Scope;
  readonly slots: ReadonlyMap<string, Readonly<Slot>>;
}

type Slots = Map<string, Slot>;

const KINDS = ['revoke', 'changed'] as const;

/**
 * The live entries of the log, in memory, arranged for the question that every
 * check asks: does any of them speak of this credential?
 *
 * One slot per kind, scope and subject, with the highest position and the
 * latest expiry, so that the order and the number of deliveries do not matter.
 */
export class RevokedSet {
  readonly #revoke = new Map<Scope, Slots>();
  readonly #changed = new Map<Scope, Slots>();
  #size = 0;

  /** How many slots are taken. */
  get size(): number {
    return this.#size;
  }

  apply(entry: Entry): void {
    const slots = this.#slots(entry.kind, entry.scope);
    const slot = slots.get(entry.subject);
    if (slot === undefined) {
      slots.set(entry.subject, { seq: entry.seq, expiresAt: entry.expiresAt });
      this.#size += 1;
      return;
    }
    slot.seq = Math.max(slot.seq, entry.seq);
    slot.expiresAt = Math.max(slot.expiresAt, entry.expiresAt);
  }

  /** What is held, as it is: it goes on changing. */
  sections(): readonly EntrySection[] {
    return KINDS.flatMap((kind) =>
      [...this.#slotsOf(kind)].map(([scope, slots]) => ({ kind, scope, slots })),
    );
  }

  /** Whether trust in the subject itself has ended. */
  isRevoked(scope: AbsoluteScope, subject: string): boolean {
    return this.#revoke.get(scope)?.has(subject) === true;
  }

  /**
   * The one rule of match (R2): an entry about the session itself kills whatever its
   * position, and so does one about the key that signed, since whoever holds that
   * key writes any position; every other kind of entry kills, or makes stale, what is older
   * than itself.
   */
  judge(facts: Facts): Verdict {
    if (this.#size === 0) return 'ok';
    if (facts.session !== null && this.isRevoked('session', facts.session)) return 'revoked';
    if (facts.signingKey !== null && this.isRevoked('signing_key', facts.signingKey)) return 'revoked';
    if (this.#newer(this.#revoke, facts, false)) return 'revoked';
    if (this.#newer(this.#changed, facts, true)) return 'stale';
    return 'ok';
  }

  /** Drops what can no longer affect anything. */
  purge(now: Timestamp): void {
    for (const kind of [this.#revoke, this.#changed]) {
      for (const slots of kind.values()) {
        for (const [subject, slot] of slots) {
          if (slot.expiresAt > now) continue;
          slots.delete(subject);
          this.#size -= 1;
        }
      }
    }
  }

  clear(): void {
    this.#revoke.clear();
    this.#changed.clear();
    this.#size = 0;
  }

  #newer(kind: Map<Scope, Slots>, facts: Facts, withSession: boolean): boolean {
    const after = (scope: Scope, subject: string): boolean =>
      (kind.get(scope)?.get(subject)?.seq ?? -1) > facts.rs;
    return (
      after('all', '') ||
      (facts.user !== null && after('user', facts.user)) ||
      after('client', facts.client) ||
      (withSession && facts.session !== null && after('session', facts.session))
    );
  }

  #slotsOf(kind: EntryKind): Map<Scope, Slots> {
    return kind === 'revoke' ? this.#revoke : this.#changed;
  }

  #slots(kind: EntryKind, scope: Scope): Slots {
    const scopes = this.#slotsOf(kind);
    let slots = scopes.get(scope);
    if (slots === undefined) {
      slots = new Map();
      scopes.set(scope, slots);
    }
    return slots;
  }
}
