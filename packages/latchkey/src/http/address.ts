import { isIP } from 'node:net';

/**
 * The network address that a request comes from. `X-Forwarded-For` is believed
 * only as far as proxies of our own appended to it (ASVS 4.1.3): each appends
 * the address that it saw, so the entry that counts is counted from the right.
 *
 * @param forwardedFor reads `X-Forwarded-For`, and is not called where no proxy is trusted.
 * @param peer the address of the connection, or `null` where the host does not tell.
 */
export function clientAddress(
  forwardedFor: () => string | readonly string[] | null | undefined,
  peer: string | null,
  trustedProxies: number,
): string | null {
  const address = trustedProxies === 0 ? peer : forwarded(forwardedFor(), trustedProxies);
  if (address === null) return null;
  const plain = address.startsWith('::ffff:') ? address.slice(7) : address;
  return isIP(plain) === 0 ? null : plain;
}

function forwarded(
  header: string | readonly string[] | null | undefined,
  trustedProxies: number,
): string | null {
  const list = String(header ?? '').split(',');
  return list.at(-trustedProxies)?.trim() ?? null;
}
