import { z } from 'zod';

/** Fields that several routes read. What exactly is a good address or password is for identity to say. */
export const email = z
  .string()
  .min(1, 'is required')
  .max(254, 'may have 254 bytes at most')
  .describe('at most 254 bytes');
export const password = z.string().min(1, 'is required').describe('at most 1,024 bytes');
export const name = z
  .string()
  .max(400, 'may have 200 characters at most')
  .nullish()
  .describe('at most 200 characters');
export const client = z.string().max(32).optional().describe('a configured client; left out, the first');
