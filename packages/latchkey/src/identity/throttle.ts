import { isIPv6 } from 'node:net';
import type { Millis } from '@latchkey/verify';
import { RateLimiterMemory } from 'rate-limiter-flexible';
import { failure } from '../errors.ts';

interface Rate {
  readonly attempts: number;
  readonly within: Millis;
}

/** Limits on attempts at passwords, kept in this process. */
export interface Throttle {
  /**
   * Counts an attempt of a network, whatever it is for.
   *
   * @throws `LK_THROTTLED`
   */
  network(network: string): Promise<void>;
  /**
   * Counts an attempt at an account before the password is looked at, whether or
   * not the account exists.
   *
   * @throws `LK_THROTTLED`
   */
  account(key: string): Promise<void>;
  /** The account's owner was there: its attempts are forgotten. */
  succeeded(key: string): Promise<void>;
}

/**
 * Makes the limits. A key is forgotten when its time is over, so memory is
 * bounded by how many networks come in that time. The limiter uses timers of the
 * process: rates are the one thing that a handed-in clock does not move.
 */
export function throttle(rates: { readonly network: Rate; readonly account: Rate }): Throttle {
  const network = limiter(rates.network);
  const account = limiter(rates.account);
  return {
    network: (key) => consume(network, key),
    account: (key) => consume(account, key),
    succeeded: async (key) => {
      await account.delete(key);
    },
  };
}

/**
 * The network that an address belongs to: itself for IPv4, its /64 for IPv6, where
 * one customer has at least so many addresses. Unknown addresses share one.
 */
export function networkOf(ip: string | null): string {
  if (ip === null) return 'unknown';
  if (!isIPv6(ip)) return ip;
  const [head = '', tail = ''] = ip.split('::');
  const groups = head === '' ? [] : head.split(':');
  const rest = tail === '' ? [] : tail.split(':');
  const missing = ip.includes('::') ? Math.max(0, 8 - groups.length - rest.length) : 0;
  const all = [...groups, ...Array<string>(missing).fill('0'), ...rest];
  return `${all.slice(0, 4).map((group) => Number.parseInt(group, 16).toString(16)).join(':')}::/64`;
}

function limiter({ attempts, within }: Rate): RateLimiterMemory {
  return new RateLimiterMemory({ points: attempts, duration: within / 1000 });
}

async function consume(limit: RateLimiterMemory, key: string): Promise<void> {
  try {
    await limit.consume(key);
  } catch (refusal) {
    // It rejects with its state, which is no Error, where the limit is reached.
    if (refusal instanceof Error) throw refusal;
    const { msBeforeNext } = refusal as { readonly msBeforeNext: Millis };
    throw failure('LK_THROTTLED', { retryAfter: msBeforeNext });
  }
}
