/*
 * One variant of the authenticated GET, in a process of its own:
 *
 *   get-server.ts <variant> <database> <secret> <id> <email>
 */
import { once } from 'node:events';
import { createAdaptorServer } from '@hono/node-server';
import { createApp, createLog, createMetrics, eventLogger } from '@latchkey/server';
import { Hono } from 'hono';
import { latchkey } from 'latchkey';
import { hono } from 'latchkey/hono';
import { answerParent, parameter } from './processes.ts';
import { optionsFor } from './seed.ts';

type Fetch = Parameters<typeof createAdaptorServer>[0]['fetch'];

const variant = parameter(0);
const known = { id: parameter(3), email: parameter(4) };

/** The same framework on the same server, and nothing else: what the others are compared with. */
function bare(): { fetch: Fetch; close: () => Promise<void> } {
  const app = new Hono();
  app.get('/profile', (c) => c.json(known));
  return { fetch: app.fetch, close: () => Promise.resolve() };
}

/** What the standalone server runs, with a route of the application's own. */
async function ours(): Promise<{ fetch: Fetch; close: () => Promise<void> }> {
  const { flush, ...output } = createLog('info');
  const metrics = createMetrics();
  const log = eventLogger(output.logger);
  const auth = latchkey({
    ...optionsFor(parameter(1), parameter(2)),
    ...(variant === 'cold' ? { nearCache: { life: '0ms' } } : {}),
    onEvent: (event) => {
      metrics.event(event);
      log(event);
    },
  });
  metrics.observe(() => auth.status());
  await auth.ready();
  const app = createApp({ auth, log: output, metrics, metricsSecret: null, open: true });
  if (variant === 'off') {
    app.get('/profile', (c) => c.json(known));
  } else {
    app.get('/profile', hono(auth).signedIn, (c) => {
      const { id, user } = c.var.principal;
      return c.json({ id, email: user.email });
    });
  }
  return {
    fetch: app.fetch,
    close: async () => {
      await auth.close();
      flush();
    },
  };
}

const { fetch, close } = variant === 'bare' ? bare() : await ours();
// The limits of the standalone server, for all variants alike.
const serverOptions = {
  maxHeaderSize: 16 * 1024,
  headersTimeout: 10_000,
  requestTimeout: 15_000,
  keepAliveTimeout: 65_000,
};
const server = createAdaptorServer({ fetch, serverOptions });
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const address = server.address();
answerParent(typeof address === 'object' && address !== null ? address.port : 0, close);
