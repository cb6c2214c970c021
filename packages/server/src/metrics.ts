import type { AuthEvent, Status } from 'latchkey';
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

/** What is counted, in the text format of Prometheus. */
export interface Metrics {
  /** Counts one answered request. */
  request(method: string, status: number, seconds: number): void;
  event(event: AuthEvent): void;
  /** Where the gauges are read from, each time somebody asks. */
  observe(status: () => Promise<Status>): void;
  render(): Promise<{ readonly type: string; readonly text: string }>;
}

const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

/** Makes the metrics of one server, in a registry of its own. */
export function createMetrics(): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  const requests = new Histogram({
    name: 'latchkey_http_request_duration_seconds',
    help: 'Requests, by method and class of status',
    labelNames: ['method', 'status'],
    buckets: [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
    registers,
  });
  const events = new Counter({
    name: 'latchkey_events_total',
    help: 'What happened, by type and code',
    labelNames: ['type', 'code'],
    registers,
  });
  let status: () => Promise<Status> = () => Promise.reject(new TypeError('nothing to observe yet'));
  const gauge = (name: string, help: string, pick: (status: Status) => number): void => {
    const made: Gauge = new Gauge({
      name,
      help,
      registers,
      collect: async () => made.set(pick(await status())),
    });
  };
  gauge('latchkey_store_up', '1 while the store answers', (now) => Number(now.store));
  gauge('latchkey_log_fresh', '1 while the copy of the log may be relied on', (now) => Number(now.fresh));
  gauge(
    'latchkey_log_lag_seconds',
    'How long ago the copy of the log was last known to be whole',
    (now) => now.lag / 1000,
  );
  gauge('latchkey_log_heard', '1 while other processes are heard as they append', (now) => Number(now.hears));
  gauge('latchkey_log_entries', 'Live entries of the log', (now) => now.revoked);
  gauge('latchkey_near_cache_entries', 'Credentials in the near-cache', (now) => now.remembered);
  gauge(
    'latchkey_feed_services',
    'Processes of services that follow the log through this node',
    (now) => now.services,
  );
  gauge(
    'latchkey_feed_streams',
    'Streams on which services hear of entries from this node',
    (now) => now.streams,
  );
  gauge('latchkey_passwords_hashing', 'Passwords being hashed', (now) => now.hashing.running);
  gauge('latchkey_passwords_waiting', 'Passwords waiting to be hashed', (now) => now.hashing.waiting);
  return {
    request: (method, code, seconds) => {
      // What a client calls its method is no label: there would be as many as it likes.
      requests.observe(
        { method: METHODS.has(method) ? method : 'other', status: `${Math.floor(code / 100)}xx` },
        seconds,
      );
    },
    event: ({ type, code }) => events.inc({ type, code: code ?? '' }),
    observe: (read) => {
      status = read;
    },
    render: async () => ({ type: registry.contentType, text: await registry.metrics() }),
  };
}
