import { once } from 'node:events';
import type { Server } from 'node:http';
import type { Hosted, SuiteAuth } from './scene.ts';

/** Has a server listen where the system says that it is. */
export async function listen(server: Server, { config }: SuiteAuth): Promise<Hosted> {
  server.listen(Number(config.url.port), '127.0.0.1');
  await once(server, 'listening');
  return {
    origin: config.origin,
    close: async () => {
      server.close();
      server.closeIdleConnections();
      await once(server, 'close');
    },
  };
}
