import type { Clock, Tail } from '@latchkey/verify';
import type { AccessPolicy } from '../access/access.ts';
import type { Config } from '../config.ts';
import type { Feed } from '../feed/feed.ts';
import type { HashQueue } from '../identity/hash-queue.ts';
import type { PasswordHasher } from '../identity/password-hash.ts';
import type { PasswordRules } from '../identity/password-rules.ts';
import type { Throttle } from '../identity/throttle.ts';
import type { AuthEvent } from '../options.ts';
import type { Bounds } from '../revocation/bounds.ts';
import type { Freshness } from '../revocation/freshness.ts';
import type { Receipts } from '../revocation/receipts.ts';
import type { RemoteFollowers } from '../revocation/remote-followers.ts';
import type { RevocationLog } from '../revocation/revocation-log.ts';
import type { Activity } from '../sessions/activity.ts';
import type { SessionCookie } from '../sessions/cookie.ts';
import type { Store } from '../stores/store.ts';
import type { Claims } from '../tokens/claims.ts';
import type { SigningKeys } from '../tokens/signing-keys.ts';

/** What flows work with. Each flow names the part that it uses; the composition root makes them once. */
export interface Rooms {
  readonly config: Config;
  readonly clock: Clock;
  readonly store: Store;
  readonly log: RevocationLog;
  readonly tail: Tail;
  /** Who follows the log through this node. */
  readonly remote: RemoteFollowers;
  readonly feed: Feed;
  /** Tells when the tail stops being fresh. */
  readonly freshness: Freshness;
  readonly bounds: Bounds;
  readonly receipts: Receipts;
  readonly cookie: SessionCookie;
  readonly activity: Activity;
  readonly hasher: PasswordHasher;
  readonly hashQueue: HashQueue;
  readonly passwordRules: PasswordRules;
  readonly throttle: Throttle;
  readonly claims: Claims;
  readonly signingKeys: SigningKeys;
  readonly access: AccessPolicy;
  readonly emit: (event: AuthEvent) => void;
}
