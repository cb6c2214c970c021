import { findBearer, type Presenting } from './authorization.ts';
import { type Clock, type Millis, type Seconds, systemClock } from './clock.ts';
import { isVerifierFailure, type VerifierFailure, verifierFailure } from './failures.ts';
import { type Following, followingOf } from './following.ts';
import { Introspector } from './introspection.ts';
import { issuerAddress } from './issuer-address.ts';
import { IssuerClient, IssuerFailed } from './issuer-client.ts';
import type { Cursor } from './log-entry.ts';
import type { Acr, Values } from './principal.ts';
import { PublishedKeys } from './published-keys.ts';
import type { ServicePrincipal } from './service-principal.ts';
import { type Checked, type OnUnknown, TokenCheck } from './token-check.ts';
import { acceptUntilExpiry } from './unsafe.ts';
import { warningsOf } from './warnings.ts';
import type { Close } from './watches.ts';

/** What a verifier is told. */
export interface VerifierOptions {
  /** The origin of the issuer, as it stands in tokens: `https://auth.example.com`. */
  readonly issuer: string;
  /** An address of the issuer inside a network, to which all requests go instead. */
  readonly via?: string | undefined;
  /** What this service is called in `aud`. A token for anybody else is refused. */
  readonly audience: string;
  /**
   * The key of this service (`lks_…`): by it the service follows the log, and may ask about
   * tokens. To be left out only where `onUnknown` is `acceptUntilExpiry`.
   */
  readonly key?: string | undefined;
  /**
   * What is done with a token of which the copy of the log cannot tell, because it is not
   * fresh or the token is of another history: ask the issuer, or refuse. Default `'introspect'`.
   */
  readonly onUnknown?: OnUnknown;
  /** The most tokens that are remembered. Default 50,000. */
  readonly cacheEntries?: number;
  readonly clock?: Clock;
  /**
   * Told of what failed beside a check: a pull, a fetch of keys, a `close`. Default: a warning
   * of the process, each thing once in ten minutes.
   */
  readonly onError?: (error: unknown) => void;
  /** Told of each request that is not let in, with the reason in its message: for logs. What it throws, or rejects with, goes to `onError`. */
  readonly onRefused?: (failure: VerifierFailure) => void;
  readonly unsafe?: {
    /** Hosts that may be asked over plain http, such as `['latchkey']` inside a network of containers. */
    readonly insecureHosts?: readonly string[];
  };
}

/** What somebody must have proved besides being signed in. */
export interface Demands {
  readonly acr?: Acr;
  /** How long ago the user may have proved who they are, in seconds (RFC 9470 §4). */
  readonly maxAge?: Seconds;
}

/** What a verifier does, and how well it is informed. */
export interface VerifierStatus {
  /** What happens to a good token now: the copy of the log decides, or else `onUnknown`. */
  readonly mode: 'following' | 'introspecting' | 'denying' | 'accepting until expiry';
  readonly fresh: boolean;
  /** How old the copy is; `null` where there is none. */
  readonly lag: Millis | null;
  readonly maxStaleness: Millis;
  readonly cursor: Cursor | null;
  /** Whether hints arrive; else revocations are heard of within a second. */
  readonly hints: boolean;
  /** Live entries of the log. */
  readonly entries: number;
  /** Ids of the keys that are good, and how long ago they were fetched. */
  readonly keys: readonly string[];
  readonly keysAge: Millis | null;
  /** Tokens that are remembered. */
  readonly remembered: number;
  /** What is watched by `onRevoked`. */
  readonly watched: number;
  /** What the last pull failed with; `null` where it did not. */
  readonly feedError: string | null;
}

/** Checks the access tokens of one audience, by a copy of the issuer's revocation log. */
export interface Verifier<Claims = Values> {
  /**
   * Resolves when tokens can be checked: the keys are there and the log was asked once.
   *
   * @throws `LK_ISSUER_UNAVAILABLE` where the keys cannot be had, or the issuer refuses this
   *   service's key; it can be called again.
   */
  ready(): Promise<void>;
  /**
   * Who asks, or `null` where nothing was presented.
   *
   * @throws what was presented and is bad: 401 `LK_TOKEN_REFUSED`, `LK_TOKEN_EXPIRED`,
   *   `LK_TOKEN_REVOKED`, `LK_CREDENTIAL_UNSUPPORTED`, all shown as `LK_UNAUTHENTICATED`;
   *   401 `LK_TOKEN_STALE`; 400 `LK_CREDENTIALS_AMBIGUOUS`; where nobody can tell, 503
   *   `LK_NOT_FRESH`, `LK_ISSUER_UNAVAILABLE` or `LK_BUSY`.
   */
  authenticate(presenting: Presenting): Promise<ServicePrincipal<Claims> | null>;
  /**
   * Who asks.
   *
   * @throws as `authenticate`; `LK_UNAUTHENTICATED` where nothing was presented;
   *   `LK_STEP_UP_REQUIRED` where more must be proved.
   */
  require(presenting: Presenting, demands?: Demands): Promise<ServicePrincipal<Claims>>;
  /**
   * Calls `close` once when trust in somebody ends, when what their token says has changed,
   * or when nobody can tell any more: for sockets, streams and jobs. Expiry is not told:
   * `principal.expiresAt` says it.
   *
   * @returns what ends the watch.
   * @throws `LK_BUSY` where a hundred thousand are watched.
   */
  onRevoked(principal: ServicePrincipal<Claims>, close: Close): () => void;
  status(): VerifierStatus;
  /** Lets go of everything; what is watched is not told. */
  close(): void;
}

const CACHE_ENTRIES = 50_000;

/**
 * Makes a verifier. It opens nothing before its first use.
 *
 * @throws {TypeError} for options that cannot work, with what to write instead.
 */
export function verifier<Claims = Values>(options: VerifierOptions): Verifier<Claims>;
export function verifier(options: VerifierOptions): Verifier {
  const parts = partsOf(options);
  const { clock, tail, keys, check, watches, known, following, onUnknown, client, told } = parts;
  const find = (principal: ServicePrincipal): Checked => {
    const checked = known.get(principal);
    if (checked === undefined) throw new TypeError('the principal is of another verifier');
    return checked;
  };
  const authenticate = async (presenting: Presenting): Promise<ServicePrincipal | null> => {
    const text = findBearer(presenting);
    if (text === null) return null;
    const opened = following.opened();
    if (opened !== null) await opened;
    const checked = check.check(text);
    return (checked instanceof Promise ? await checked : checked).principal;
  };
  const require = async (presenting: Presenting, demands: Demands | null): Promise<ServicePrincipal> => {
    const principal = await authenticate(presenting);
    if (principal === null) throw verifierFailure('LK_UNAUTHENTICATED');
    if (demands !== null) refuseUnproved(principal, demands, clock);
    return principal;
  };
  return {
    ready: async () => {
      await Promise.all([keys.refresh(), following.opened()]);
      if (!keys.isUsable) throw unavailable(keys.failure);
      const failure = following.failure();
      const isKeyRefused = failure instanceof IssuerFailed && failure.status === 401;
      if (isKeyRefused && onUnknown !== acceptUntilExpiry) throw unavailable(failure);
    },
    authenticate: (presenting) => told(authenticate(presenting)),
    require: (presenting, demands) => told(require(presenting, demands ?? null)),
    onRevoked: (principal, close) => watches.add(find(principal), close),
    status: () => {
      const fresh = tail.isFresh();
      const lag = tail.lag();
      return {
        mode: fresh ? 'following' : MODES[onUnknown],
        fresh,
        lag: Number.isFinite(lag) ? lag : null,
        maxStaleness: tail.maxStaleness,
        cursor: tail.cursor,
        hints: following.hears(),
        entries: tail.size,
        keys: keys.kids,
        keysAge: keys.age,
        remembered: check.remembered,
        watched: watches.size,
        feedError: following.failure()?.message ?? null,
      };
    },
    close: () => {
      following.stop();
      client.close();
    },
  };
}

const MODES: Readonly<Record<OnUnknown, VerifierStatus['mode']>> = {
  introspect: 'introspecting',
  deny: 'denying',
  [acceptUntilExpiry]: 'accepting until expiry',
};

interface Parts extends Following {
  readonly clock: Clock;
  readonly client: IssuerClient;
  readonly keys: PublishedKeys;
  readonly check: TokenCheck;
  readonly known: WeakMap<ServicePrincipal, Checked>;
  readonly onUnknown: OnUnknown;
  /** Hands a check on, and tells of it where it refuses. */
  readonly told: <Answer>(checking: Promise<Answer>) => Promise<Answer>;
}

function partsOf(options: VerifierOptions): Parts {
  const { issuer, via, audience, key, cacheEntries = CACHE_ENTRIES, clock = systemClock } = options;
  const onError = options.onError ?? warningsOf(clock);
  const onUnknown = options.onUnknown ?? 'introspect';
  refuseOptions(options, onUnknown);
  const base = issuerAddress(issuer, via, options.unsafe?.insecureHosts ?? []);
  const client = new IssuerClient(base, key ?? null);
  const acceptsUnknown = onUnknown === acceptUntilExpiry;
  const followed = followingOf({ client, clock, hasKey: key !== undefined, acceptsUnknown, onError });
  const { tail } = followed;
  const keys = new PublishedKeys({ client, clock, issuer, isRevoked: followed.isKeyRevoked, onError });
  const known = new WeakMap<ServicePrincipal, Checked>();
  const check = new TokenCheck({
    clock,
    tail,
    keys,
    issuer,
    audience,
    onUnknown,
    introspector: key === undefined ? null : new Introspector({ client, clock, issuer, audience }),
    cacheEntries,
    onChecked: (checked) => void known.set(checked.principal, checked),
  });
  const told = tellingOf(options.onRefused, onError);
  return { ...followed, clock, client, keys, check, known, onUnknown, told };
}

function tellingOf(
  onRefused: VerifierOptions['onRefused'],
  onError: (error: unknown) => void,
): Parts['told'] {
  if (onRefused === undefined) return (checking) => checking;
  // Async, so that what it rejects with is heard of as well: nobody else waits for it.
  const tell = async (failure: VerifierFailure): Promise<void> => onRefused(failure);
  return async (checking) => {
    try {
      return await checking;
    } catch (error) {
      if (isVerifierFailure(error)) tell(error).catch(onError);
      throw error;
    }
  };
}

function unavailable(cause: unknown): VerifierFailure {
  return verifierFailure('LK_ISSUER_UNAVAILABLE', { retryAfter: 1_000 }, { cause });
}

/** Keys look as `lks_` and what base64url and a point spell. */
const KEY = /^lks_[\w.~+/-]{16,256}=*$/;

function refuseOptions({ audience, key, cacheEntries }: VerifierOptions, onUnknown: OnUnknown): void {
  if (typeof audience !== 'string' || audience === '') {
    throw new TypeError("audience: write what this service is called in tokens, such as 'orders'");
  }
  if (key !== undefined && !KEY.test(key)) {
    throw new TypeError('key: write what `latchkey clients create` printed: it begins with lks_');
  }
  if (!Object.hasOwn(MODES, onUnknown)) {
    throw new TypeError(
      "onUnknown: write 'introspect', 'deny', or acceptUntilExpiry of @latchkey/verify/unsafe",
    );
  }
  if (key === undefined && onUnknown !== acceptUntilExpiry) {
    throw new TypeError(
      'key: write what `latchkey clients create` printed. Without one nobody can tell what was revoked, ' +
        'so every token would be refused; onUnknown: acceptUntilExpiry of @latchkey/verify/unsafe accepts them all the same',
    );
  }
  if (cacheEntries !== undefined && !(Number.isSafeInteger(cacheEntries) && cacheEntries > 0)) {
    throw new TypeError('cacheEntries: write a whole number above zero');
  }
}

/** RFC 9470 §5: what was proved, and when, stands in the token. */
function refuseUnproved(principal: ServicePrincipal, { acr, maxAge }: Demands, clock: Clock): void {
  const age = principal.authTime === null ? Number.POSITIVE_INFINITY : clock.now() - principal.authTime;
  const good =
    (acr === undefined || (principal.acr !== null && principal.acr >= acr)) &&
    (maxAge === undefined || age <= maxAge * 1_000);
  if (!good) throw verifierFailure('LK_STEP_UP_REQUIRED', { acr: acr ?? null, maxAge: maxAge ?? null });
}
