import { createHash, timingSafeEqual } from 'node:crypto';
import type { HttpBindings } from '@hono/node-server';
import { Hono, type MiddlewareHandler } from 'hono';
import type { Latchkey } from 'latchkey';
import {
  clientAddress,
  failure,
  failureResponse,
  homePage,
  newRequestId,
  referencePage,
  securityHeaders,
} from 'latchkey/hosting';
import type { Log } from './log.ts';
import type { Metrics } from './metrics.ts';

export interface AppOptions {
  readonly auth: Latchkey;
  readonly log: Log;
  readonly metrics: Metrics;
  /** What `/metrics` asks for as a bearer token. */
  readonly metricsSecret: string | null;
  /** Whether `/metrics` answers without a secret: only where nobody else can reach it. */
  readonly open: boolean;
}

/** What the server knows of each request. */
export interface ServerEnv {
  readonly Bindings: HttpBindings;
  readonly Variables: { readonly requestId: string };
}

/** Builds the server's application: Latchkey's routes, and around them what a deployment needs. */
export function createApp(options: AppOptions): Hono<ServerEnv> {
  const { auth } = options;
  const { brand, origin } = auth.config;
  const app = new Hono<ServerEnv>();
  app.use(observe(options));
  // As routes and not as one middleware, which every other route would pay for.
  for (const path of ['/auth', '/auth/*', '/.well-known/*']) {
    app.all(path, async (c, next) => {
      if (!auth.answers(c.req.path)) return next();
      const { socket } = c.env.incoming;
      const peer = socket.remoteAddress ?? null;
      return auth.handler(c.req.raw, { peer, requestId: c.var.requestId, cut: () => socket.destroy() });
    });
  }

  const signedInAs = async (headers: Headers): Promise<string | null> => {
    const principal = await auth.authenticate(headers).catch(() => null);
    return principal?.user?.email ?? null;
  };
  app.get('/', async (c) => {
    c.header('Cache-Control', 'no-store');
    return c.html(homePage({ brand, signedInAs: await signedInAs(c.req.raw.headers), origin, docs: true }));
  });
  app.get('/docs', async (c) => {
    c.header('Cache-Control', 'no-store');
    return c.html(
      referencePage({ brand, signedInAs: await signedInAs(c.req.raw.headers), document: auth.openApi() }),
    );
  });
  app.get('/openapi.json', (c) => c.json(auth.openApi()));
  app.get('/health/live', (c) => c.json({ status: 'ok' }));
  app.get('/health/ready', async (c) => {
    const { store, fresh, signingKeys } = await auth.status();
    const ready = store && fresh && signingKeys > 0;
    const status = ready ? 'ok' : 'not ready';
    return c.json({ status, store, fresh, keys: signingKeys > 0 }, ready ? 200 : 503);
  });
  app.get('/metrics', async (c) => {
    if (!mayRead(c.req.header('authorization'), options)) throw failure('LK_NOT_FOUND');
    const { type, text } = await options.metrics.render();
    return c.body(text, 200, { 'Content-Type': type });
  });
  app.notFound((c) => failureResponse(failure('LK_NOT_FOUND'), c.req.raw, c.var.requestId, brand));
  app.onError((error, c) => {
    options.log.logger[isExpected(error) ? 'info' : 'error'](
      { request: c.var.requestId, error: error.stack },
      'failed',
    );
    return failureResponse(error, c.req.raw, c.var.requestId, brand);
  });
  return app;
}

function isExpected(error: Error): boolean {
  return 'code' in error && error.code === 'LK_NOT_FOUND';
}

/**
 * One middleware for all that every answer needs. Headers are set on what Node
 * sends, before the route runs: set on the answer they cost a `Headers` for each,
 * and set afterwards a copy of it as well. What a route sets itself prevails.
 */
function observe({ auth, log, metrics }: AppOptions): MiddlewareHandler<ServerEnv> {
  const { secure, origins, trustedProxies } = auth.config;
  const headers = securityHeaders({ secure, formTargets: origins });
  return async (c, next) => {
    const requestId = newRequestId();
    const startedAt = process.hrtime();
    c.set('requestId', requestId);
    const { incoming, outgoing } = c.env;
    for (const [name, value] of headers) outgoing.setHeader(name, value);
    outgoing.setHeader('X-Request-Id', requestId);
    await next();
    const [whole, nanos] = process.hrtime(startedAt);
    const seconds = whole + nanos / 1e9;
    const { method, path } = c.req;
    metrics.request(method, c.res.status, seconds);
    log.request({
      request: requestId,
      method,
      path: withoutCredentials(path).slice(0, 200),
      status: c.res.status,
      ms: Math.round(seconds * 1e6) / 1e3,
      ip: clientAddress(
        () => incoming.headers['x-forwarded-for'],
        incoming.socket.remoteAddress ?? null,
        trustedProxies,
      ),
    });
  };
}

/** Nobody should put a credential into a path, and whoever does should not find it in a log. */
function withoutCredentials(path: string): string {
  if (!/lk[a-z]_|eyJ/.test(path)) return path;
  return path.replaceAll(/(lk[a-z]_|eyJ)[\w.~%-]+/g, '$1…');
}

function mayRead(authorization: string | undefined, { metricsSecret, open }: AppOptions): boolean {
  if (metricsSecret === null) return open;
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(authorization ?? ''), digest(`Bearer ${metricsSecret}`));
}
