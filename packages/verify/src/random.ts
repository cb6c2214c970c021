import { randomBytes } from 'node:crypto';

/** Sixteen random bytes in base64url: by it one process that follows is told from another. */
export function randomId(): string {
  return randomBytes(16).toString('base64url');
}

/** A random number from 0 up to, but not including, 1: enough that not all do the same at once. */
export function randomFraction(): number {
  return randomBytes(4).readUInt32LE() / 2 ** 32;
}
