import type { ServerType } from '@hono/node-server';

/** The limits of the standalone server, for all variants alike. */
export const LIMITS = {
  maxHeaderSize: 16 * 1024,
  headersTimeout: 10_000,
  requestTimeout: 15_000,
  keepAliveTimeout: 65_000,
};

/** Listens on a port that nobody else has, and returns it. */
export async function listen(server: ServerType): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}
