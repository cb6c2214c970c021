/**
 * Groups of four characters, then a rest of two or three whose last character
 * has no loose bits. One character is no rest: it spells no byte.
 */
const CANONICAL = /^(?:[A-Za-z0-9_-]{4})*(?:[A-Za-z0-9_-][AQgw]|[A-Za-z0-9_-]{2}[AEIMQUYcgkosw048])?$/;

/** The last of 22 characters carries two bits; the four left over must be zero. */
const SIXTEEN_BYTES = /^[A-Za-z0-9_-]{21}[AQgw]$/;

/** Whether `text` spells sixteen bytes, as ids, subjects and salts do, in their one spelling. */
export function isSixteenBytes(text: string): boolean {
  return SIXTEEN_BYTES.test(text);
}

/**
 * The bytes that `text` spells in base64url, or `null`: the bytes have one
 * spelling, without padding, spaces or loose bits (RFC 7515 §2, RFC 4648 §3.5
 * and §5). With two spellings one token would be two keys of a cache, and its
 * last character could be changed unnoticed.
 */
export function base64urlBytes(text: string): Buffer | null {
  return CANONICAL.test(text) ? Buffer.from(text, 'base64url') : null;
}
