import { randomBytes as nodeRandomBytes } from 'node:crypto';

/** Where randomness enters: bytes of the operating system's generator. */
export function randomBytes(length: number): Buffer {
  return nodeRandomBytes(length);
}
