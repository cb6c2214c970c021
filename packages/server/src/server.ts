/**
 * Latchkey's standalone server: hosted pages, health, metrics, documentation.
 *
 * @module
 */
import { type Server, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { createAdaptorServer } from '@hono/node-server';
import { CODES, ConfigError, latchkey } from 'latchkey';
import { bindsLoopback, type Settings } from 'latchkey/environment';
import { createApp } from './app.ts';
import { FollowerWatch } from './follower-watch.ts';
import { createLog, eventLogger, type Log } from './log.ts';
import { createMetrics } from './metrics.ts';

export { type AppOptions, createApp } from './app.ts';
export { createLog, eventLogger, type Log } from './log.ts';
export { createMetrics, type Metrics } from './metrics.ts';

/** How long requests under way may take after the server was told to stop. */
const DRAIN_MS = 8_000;

/** A server that listens. */
export interface RunningServer {
  readonly port: number;
  /** Stops listening, finishes what is under way, writes what is pending. */
  close(): Promise<void>;
}

/**
 * Starts a server.
 *
 * @throws {ConfigError} for a configuration, a store or a port that cannot be used, with one line that says what to do.
 */
export async function start(
  settings: Settings,
  log: Log,
): Promise<RunningServer & { readonly setupLink: string | null }> {
  const metrics = createMetrics();
  const write = eventLogger(log.logger);
  const auth = latchkey({
    ...settings.options,
    onEvent: (event) => {
      metrics.event(event);
      write(event);
      settings.options.onEvent?.(event);
    },
  });
  const followers = new FollowerWatch({ read: () => auth.followers(), self: () => auth.figures() });
  metrics.observe({
    figures: () => auth.figures(),
    followers: () => followers.list(),
    store: () => followers.answered,
  });
  await auth.ready();
  try {
    await followers.look();
    followers.start();
    const app = createApp({
      auth,
      log,
      metrics,
      metricsSecret: settings.metricsSecret,
      open: bindsLoopback(settings.host) && !auth.config.secure,
    });
    const server = await listen(app.fetch, settings.host, settings.port);
    const link = await auth.setupLink();
    const address = server.address();
    return {
      port: typeof address === 'object' && address !== null ? address.port : settings.port,
      setupLink: link?.reveal() ?? null,
      close: async () => {
        auth.drain();
        await drain(server);
        await followers.stop();
        await auth.close();
      },
    };
  } catch (error) {
    await followers.stop();
    await auth.close();
    throw error;
  }
}

/** Runs the server of `latchkey serve` until it is told to stop. */
export async function serve(settings: Settings): Promise<void> {
  const { flush, ...log } = createLog(settings.logLevel);
  const { logger } = log;
  const server = await start(settings, log);
  const url = settings.options.url;
  process.stdout.write(`Latchkey is ready at ${url}\n`);
  if (server.setupLink !== null) {
    process.stdout.write(`Make the first administrator, once, within the hour: ${server.setupLink}\n`);
  }
  logger.info({ url, database: settings.database }, 'ready');
  await new Promise<void>((resolve) => {
    process.once('SIGTERM', resolve);
    process.once('SIGINT', resolve);
  });
  logger.info('draining');
  await server.close();
  logger.info('stopped');
  flush();
}

type Fetch = Parameters<typeof createAdaptorServer>[0]['fetch'];

function listen(fetch: Fetch, host: string, port: number): Promise<Server> {
  // Slow clients are cut off. Headers beyond 16 kB are refused by the handler, and
  // beyond what is read here by `answerUnreadable`, both with a code.
  const serverOptions = {
    maxHeaderSize: 32 * 1024,
    headersTimeout: 10_000,
    requestTimeout: 15_000,
    keepAliveTimeout: 65_000,
  };
  const server = createAdaptorServer({ fetch, serverOptions }) as Server;
  server.on('clientError', answerUnreadable);
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(explain(error, host, port)));
    server.listen(port, host, () => resolve(server));
  });
}

/** What never became a request has no handler: it is answered here, with the same codes. */
function answerUnreadable(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (!socket.writable || error.code === 'ECONNRESET') {
    socket.destroy();
    return;
  }
  const code = error.code === 'HPE_HEADER_OVERFLOW' ? 'LK_HEADERS_TOO_LARGE' : 'LK_REQUEST_INVALID';
  const { status, title } = CODES[code];
  const body = JSON.stringify({ type: `urn:latchkey:error:${code}`, title, status, code });
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nContent-Type: application/problem+json\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n${body}`,
  );
}

function explain(error: NodeJS.ErrnoException, host: string, port: number): Error {
  if (error.code === 'EADDRINUSE')
    return new ConfigError(`port ${port} is in use; end what uses it, or choose another: PORT=${port + 1}`, {
      cause: error,
    });
  if (error.code === 'EACCES')
    return new ConfigError(`port ${port} may not be used by this user; choose one above 1023: PORT=3000`, {
      cause: error,
    });
  if (error.code === 'EADDRNOTAVAIL' || error.code === 'ENOTFOUND')
    return new ConfigError(`HOST ${host} is no address of this machine; use 127.0.0.1 or 0.0.0.0`, {
      cause: error,
    });
  return error;
}

async function drain(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const late = setTimeout(() => server.closeAllConnections(), DRAIN_MS);
  await closed;
  clearTimeout(late);
}
