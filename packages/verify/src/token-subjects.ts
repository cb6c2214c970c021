import type { AccessToken } from './access-token.ts';
import { feedSubject, subjectOf } from './feed-subject.ts';
import type { Position } from './log-entry.ts';
import type { Facts } from './revoked-set.ts';

type Subjects = Omit<Facts, 'rs'>;

/**
 * By what the log speaks of a token. On the feed subjects are hashed with a salt (R12):
 * that is done once for a token, and again only where the log comes with another salt.
 */
export class TokenSubjects {
  readonly #plain: Subjects;
  #spelled: Subjects;
  #salt: string | null = null;

  constructor(token: AccessToken) {
    this.#plain = {
      session: token.session,
      user: token.kind === 'user' ? token.subject : null,
      client: subjectOf('client', token.client),
      signingKey: subjectOf('signing_key', token.kid),
    };
    this.#spelled = this.#plain;
  }

  /** What a copy with this salt is asked; `null` where subjects are as they are. */
  facts(rs: Position, salt: string | null): Facts {
    if (salt !== this.#salt) this.#spell(salt);
    const { session, user, client, signingKey } = this.#spelled;
    return { rs, session, user, client, signingKey };
  }

  #spell(salt: string | null): void {
    this.#salt = salt;
    this.#spelled = this.#plain;
    if (salt === null) return;
    const bytes = Buffer.from(salt, 'base64url');
    const { session, user, client, signingKey } = this.#plain;
    this.#spelled = {
      session: session === null ? null : feedSubject(bytes, 'session', session),
      user: user === null ? null : feedSubject(bytes, 'user', user),
      client: feedSubject(bytes, 'client', client),
      signingKey: signingKey === null ? null : feedSubject(bytes, 'signing_key', signingKey),
    };
  }
}
