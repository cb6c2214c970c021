import type { EntryKind, Scope, SessionId, UserId } from '@latchkey/verify';

/** What a cause writes: one entry of the log, and what stands for it in the rows. */
interface CauseRow {
  /** `revoke` ends trust; `changed` ends only what is remembered. */
  readonly kind: EntryKind;
  readonly scope: Scope;
  /** One session may be spared from it: it goes on, with a new secret where its own was involved. */
  readonly spares?: true;
}

/**
 * Everything that ends or changes trust. Nothing else writes to the log, and the tests
 * of what follows from each (cause × mode × store × node) are made from this table.
 */
export const CAUSES = {
  signed_out: { kind: 'revoke', scope: 'session' },
  /** By its owner, or by an administrator. */
  session_ended: { kind: 'revoke', scope: 'session' },
  /** A login took the place of what the browser held. */
  session_replaced: { kind: 'revoke', scope: 'session' },
  /** Somebody kept a refresh token that had been exchanged. */
  refresh_reused: { kind: 'revoke', scope: 'session' },
  other_sessions_ended: { kind: 'revoke', scope: 'user', spares: true },
  all_sessions_ended: { kind: 'revoke', scope: 'user' },
  password_changed: { kind: 'revoke', scope: 'user', spares: true },
  /** After a step-up, or any change of what the session may do. */
  secret_rotated: { kind: 'changed', scope: 'session' },
  user_disabled: { kind: 'revoke', scope: 'user' },
  /** Nothing comes back: a user who is enabled signs in anew (R3). */
  user_enabled: { kind: 'changed', scope: 'user' },
  user_deleted: { kind: 'revoke', scope: 'user' },
  roles_changed: { kind: 'changed', scope: 'user' },
  profile_changed: { kind: 'changed', scope: 'user' },
  client_disabled: { kind: 'revoke', scope: 'client' },
  /** Its key may have leaked: that one ends, and all that was given out for it. */
  client_key_rotated: { kind: 'revoke', scope: 'client' },
  /** In good time: the key before has a grace, and what was given out for it stays good. */
  client_key_replaced: { kind: 'changed', scope: 'client' },
  /** All that was given to a client, which may begin anew. */
  client_ended: { kind: 'revoke', scope: 'client' },
  signing_key_revoked: { kind: 'revoke', scope: 'signing_key' },
  everything_ended: { kind: 'revoke', scope: 'all' },
  /** Of a session that is nobody's: whoever follows the log confirms it as it would any other. */
  canary: { kind: 'revoke', scope: 'session' },
} as const satisfies Record<string, CauseRow>;

/** Why trust ended or changed. */
export type Cause = keyof typeof CAUSES;

interface Subjects {
  readonly session: SessionId;
  readonly user: UserId;
  /** The subject of the client's name. */
  readonly client: string;
  /** The subject of the key's id. */
  readonly signing_key: string;
  readonly all: '';
}

/** What a cause is about: an id, or the subject of a name. */
export type SubjectOf<C extends Cause> = Subjects[(typeof CAUSES)[C]['scope']];

/** The causes that may spare a session. */
export type SparingCause = {
  [C in Cause]: (typeof CAUSES)[C] extends { readonly spares: true } ? C : never;
}[Cause];
