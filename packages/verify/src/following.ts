import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock, Millis } from './clock.ts';
import { feedSubject, subjectOf } from './feed-subject.ts';
import type { IssuerClient } from './issuer-client.ts';
import type { LogSource } from './log-source.ts';
import { randomFraction } from './random.ts';
import { RemoteLog } from './remote-log.ts';
import { Tail } from './tail.ts';
import { Watches } from './watches.ts';

/** How long a first request waits for the copy of the log before it goes on without. */
const FIRST_WAIT: Millis = 2_000;
const FIRST_PAUSE: Millis = 500;
const LONGEST_PAUSE: Millis = 10_000;
const INTERVAL: Millis = 1_000;

/** A copy of an issuer's log, and what goes by it. */
export interface Following {
  readonly tail: Tail;
  readonly watches: Watches;
  readonly following: {
    /** Begins to follow; `null` once the first attempt is over, however it went. */
    readonly opened: () => Promise<void> | null;
    readonly stop: () => void;
    readonly hears: () => boolean;
    /** What the last pull failed with; `null` where it did not. */
    readonly failure: () => Error | null;
  };
}

export interface FollowingOptions {
  readonly client: IssuerClient;
  readonly clock: Clock;
  /** Without a key nothing can be followed. */
  readonly hasKey: boolean;
  readonly acceptsUnknown: boolean;
  readonly onError: (error: unknown) => void;
}

const NO_KEY = 'no key: the log cannot be followed';
const NO_LOG: LogSource = {
  pull: () => Promise.reject(new Error(NO_KEY)),
  onHint: () => () => undefined,
};

/** Puts together what follows an issuer's log, and goes on trying until it is stopped. */
export function followingOf(
  options: FollowingOptions,
): Following & { readonly isKeyRevoked: (kid: string) => boolean } {
  const { client, clock, hasKey, acceptsUnknown, onError } = options;
  let failure: Error | null = hasKey ? null : new Error(NO_KEY);
  const failed = (thrown: unknown): void => {
    failure = thrown instanceof Error ? thrown : new Error(String(thrown));
    onError(thrown);
  };
  const log = hasKey ? new RemoteLog({ client, clock, acceptsUnknown }) : null;
  const tail: Tail = new Tail({
    source: log ?? NO_LOG,
    clock,
    interval: INTERVAL,
    pause: () => 10 + 40 * randomFraction(),
    onError: failed,
    onConfirmed: () => {
      failure = null;
    },
    onHeard: (entries) => watches.heard(entries),
  });
  const watches = new Watches({ clock, tail, acceptsUnknown, onError });
  const isKeyRevoked = (kid: string): boolean => {
    const { salt } = tail;
    if (salt === null) return false;
    const subject = feedSubject(Buffer.from(salt, 'base64url'), 'signing_key', subjectOf('signing_key', kid));
    return tail.isRevoked('signing_key', subject);
  };
  return {
    tail,
    watches,
    isKeyRevoked,
    following: {
      ...lifeOf({ tail, watches, follows: hasKey, failed }),
      hears: () => log?.hears ?? false,
      failure: () => failure,
    },
  };
}

interface Life {
  readonly tail: Tail;
  readonly watches: Watches;
  readonly follows: boolean;
  readonly failed: (error: unknown) => void;
}

function lifeOf({ tail, watches, follows, failed }: Life): Pick<Following['following'], 'opened' | 'stop'> {
  const stopped = new AbortController();
  let begun = false;
  let opening: Promise<void> | null = null;
  const begin = (): void => {
    begun = true;
    const timer = setInterval(() => watches.noteFreshness(), INTERVAL).unref();
    stopped.signal.addEventListener('abort', () => clearInterval(timer), { once: true });
    if (!follows) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    void follow(tail, stopped.signal, failed, resolve);
    // A timer that keeps no process alive: who waits here has a request open.
    const late = sleep(FIRST_WAIT, undefined, { ref: false });
    opening = Promise.race([promise, late]).finally(() => {
      opening = null;
    });
  };
  return {
    opened: () => {
      if (!begun && !stopped.signal.aborted) begin();
      return opening;
    },
    stop: () => {
      stopped.abort();
      void tail.stop();
    },
  };
}

/** Starts the tail, again and again until it runs. */
async function follow(
  tail: Tail,
  stop: AbortSignal,
  failed: (error: unknown) => void,
  tried: () => void,
): Promise<void> {
  for (let pause = FIRST_PAUSE; !stop.aborted; pause = Math.min(2 * pause, LONGEST_PAUSE)) {
    try {
      await tail.start();
      return;
    } catch (error) {
      failed(error);
    } finally {
      tried();
    }
    const millis = pause * (0.5 + randomFraction() / 2);
    await sleep(millis, undefined, { signal: stop, ref: false }).catch(() => undefined);
  }
}
