import { isIPv6 } from 'node:net';
import type { Millis } from '@latchkey/verify';
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
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
 *
 * @throws {TypeError} for a rate within more than 24 days.
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
 * one customer has at least so many addresses. An IPv4 address that is written as
 * IPv6 (RFC 4291 §2.5.5.2) is the same network either way. Unknown addresses share one.
 */
export function networkOf(ip: string | null): string {
  if (ip === null) return 'unknown';
  if (!isIPv6(ip)) return ip;
  const groups = groupsOf(ip);
  const [, , , , , mark = 0, high = 0, low = 0] = groups;
  if (mark === 0xffff && groups.slice(0, 5).every((group) => group === 0)) {
    return [high >> 8, high & 0xff, low >> 8, low & 0xff].join('.');
  }
  const prefix = groups.slice(0, 4).map((group) => group.toString(16));
  return `${prefix.join(':')}::/64`;
}

/** The eight numbers of an IPv6 address, of whatever spelling; its zone is nobody's network. */
function groupsOf(ip: string): readonly number[] {
  // A URL's host has one spelling, without dots (WHATWG URL §3.5).
  const host = new URL(`http://[${ip.replace(/%.*$/, '')}]`).hostname.slice(1, -1);
  const [head = [], tail = []] = host.split('::').map((side) => (side === '' ? [] : side.split(':')));
  const zeros = Array<string>(8 - head.length - tail.length).fill('0');
  return [...head, ...zeros, ...tail].map((group) => Number.parseInt(group, 16));
}

/** The longest that a timer can wait; beyond it one fires at once, and would forget everything. */
const LONGEST: Millis = 2 ** 31 - 1;

function limiter({ attempts, within }: Rate): RateLimiterMemory {
  if (within > LONGEST) throw new TypeError('a rate counts within 24 days at most');
  return new RateLimiterMemory({ points: attempts, duration: within / 1000 });
}

async function consume(limit: RateLimiterMemory, key: string): Promise<void> {
  try {
    await limit.consume(key);
  } catch (refusal) {
    // It rejects with its state, which is no Error, where the limit is reached.
    if (!(refusal instanceof RateLimiterRes)) throw refusal;
    throw failure('LK_THROTTLED', { retryAfter: refusal.msBeforeNext });
  }
}
