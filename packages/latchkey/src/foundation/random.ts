import { randomBytes as nodeRandomBytes, randomUUID } from 'node:crypto';

/** Where randomness enters: bytes of the operating system's generator. */
export function randomBytes(length: number): Buffer {
  return nodeRandomBytes(length);
}

/** A random UUID as text, for ids that no one keeps: Node draws them in batches, which costs a tenth. */
export function randomUuid(): string {
  return randomUUID();
}

/** A random whole number of 48 bits, which a double holds exactly. */
export function randomTag(): number {
  return nodeRandomBytes(6).readUIntBE(0, 6);
}
