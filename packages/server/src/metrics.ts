import type { AuthEvent, Figures } from 'latchkey';
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { FollowerFigures } from './follower-watch.ts';

/** What is asked each time somebody reads the metrics: memory, and never the store. */
export interface Observed {
  figures(): Figures;
  followers(): readonly FollowerFigures[];
  /** Whether the store answered when it was last asked. */
  store(): boolean;
}

/** What is counted, in the text format of Prometheus. */
export interface Metrics {
  /** Counts one answered request. */
  request(method: string, status: number, seconds: number): void;
  event(event: AuthEvent): void;
  /** Where the gauges are read from, each time somebody asks. */
  observe(observed: Observed): void;
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
  const canary = canaryMetrics(registers);
  let observed: Observed | null = null;
  const current = (): Observed => {
    if (observed === null) throw new TypeError('nothing to observe yet');
    return observed;
  };
  nodeMetrics(registers, current);
  followerMetrics(registers, current);
  lookupMetrics(registers, current);
  return {
    request: (method, code, seconds) => {
      // What a client calls its method is no label: there would be as many as it likes.
      requests.observe(
        { method: METHODS.has(method) ? method : 'other', status: `${Math.floor(code / 100)}xx` },
        seconds,
      );
    },
    event: (event) => {
      events.inc({ type: event.type, code: event.code ?? '' });
      canary(event);
    },
    observe: (source) => {
      observed = source;
    },
    render: async () => ({ type: registry.contentType, text: await registry.metrics() }),
  };
}

function nodeMetrics(registers: Registry[], observed: () => Observed): void {
  const gauge = (name: string, help: string, read: (observed: Observed) => number): void => {
    const made: Gauge = new Gauge({ name, help, registers, collect: () => made.set(read(observed())) });
  };
  const figure = (name: string, help: string, pick: (figures: Figures) => number): void =>
    gauge(name, help, (from) => pick(from.figures()));
  gauge('latchkey_store_up', '1 where the store answered when it was last asked', (from) =>
    Number(from.store()),
  );
  figure('latchkey_log_fresh', '1 while the copy of the log may be relied on', (now) => Number(now.fresh));
  figure(
    'latchkey_log_lag_seconds',
    'How long ago the copy of the log was last known to be whole',
    (now) => now.lag / 1000,
  );
  figure('latchkey_log_heard', '1 while other processes are heard as they append', (now) =>
    Number(now.hears),
  );
  figure('latchkey_log_entries', 'Live entries of the log', (now) => now.revoked);
  figure('latchkey_near_cache_entries', 'Credentials in the near-cache', (now) => now.remembered);
  figure(
    'latchkey_feed_services',
    'Processes of services that follow the log through this node',
    (now) => now.services,
  );
  figure(
    'latchkey_feed_streams',
    'Streams on which services hear of entries from this node',
    (now) => now.streams,
  );
  figure('latchkey_passwords_hashing', 'Passwords being hashed', (now) => now.hashing.running);
  figure('latchkey_passwords_waiting', 'Passwords waiting to be hashed', (now) => now.hashing.waiting);
}

function followerMetrics(registers: Registry[], observed: () => Observed): void {
  const gauge = (name: string, help: string, pick: (follower: FollowerFigures) => number): void => {
    const made: Gauge<'follower' | 'kind'> = new Gauge({
      name,
      help,
      labelNames: ['follower', 'kind'],
      registers,
      collect: () => {
        // Who has gone is told of no more.
        made.reset();
        for (const each of observed().followers())
          made.set({ follower: each.name, kind: each.kind }, pick(each));
      },
    });
  };
  gauge(
    'latchkey_revocation_lag_seconds',
    'How long ago the copy of this process was known to be whole, or another follower was heard of',
    ({ lag }) => lag / 1000,
  );
  gauge('latchkey_follower_fresh', '1 while a follower may rely on its copy of the log', ({ fresh }) =>
    Number(fresh),
  );
}

function lookupMetrics(registers: Registry[], observed: () => Observed): void {
  const made: Counter<'credential' | 'mode' | 'result'> = new Counter({
    name: 'latchkey_near_cache_lookups_total',
    help: 'Credentials that the near-cache answered (hit) or not (miss), by kind and mode of the client',
    labelNames: ['credential', 'mode', 'result'],
    registers,
    collect: () => {
      made.reset();
      for (const { credential, mode, hits, misses } of observed().figures().lookups) {
        made.inc({ credential, mode, result: 'hit' }, hits);
        made.inc({ credential, mode, result: 'miss' }, misses);
      }
    },
  });
}

/** Takes up what canaries told. */
function canaryMetrics(registers: Registry[]): (event: AuthEvent) => void {
  const canaries = new Histogram({
    name: 'latchkey_canary_seconds',
    help: 'How long until every follower had confirmed a canary (settled), or its deadline passed (deadline)',
    labelNames: ['result'],
    buckets: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 1.5, 2, 3, 5, 10, 30, 60],
    registers,
  });
  const last = new Gauge({
    name: 'latchkey_canary_last_seconds',
    help: 'The same of the last canary that this process sent',
    labelNames: ['result'],
    registers,
  });
  const at = new Gauge({
    name: 'latchkey_canary_last_timestamp_seconds',
    help: 'When that was, in seconds since 1970',
    labelNames: ['result'],
    registers,
  });
  return ({ type, ms = 0 }) => {
    if (type !== 'canary_settled' && type !== 'canary_overdue') return;
    const labels = { result: type === 'canary_settled' ? 'settled' : 'deadline' };
    canaries.observe(labels, ms / 1000);
    // One of each: what came before is in the histogram.
    last.reset();
    last.set(labels, ms / 1000);
    at.reset();
    at.setToCurrentTime(labels);
  };
}
