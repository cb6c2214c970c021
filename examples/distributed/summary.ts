/** One request of a device, as it saw it. Milliseconds are of `performance.now()`. */
export interface Request {
  readonly device: number;
  /** Asks who it is, gets a new token, or ends a session. */
  readonly act: 'check' | 'renew' | 'end';
  /** Whether a refusal means that the device is signed out: a token is renewed once before that. */
  readonly decides: boolean;
  readonly start: number;
  readonly end: number;
  /** `null` where the connection broke off. */
  readonly status: number | null;
  /** Which node answered, or `null`. */
  readonly node: string | null;
  /** The node that had the request when it went away, as the balancer says. */
  readonly lostOn: string | null;
}

/** The end of a device's session, by its own sign-out or from another device. */
export interface Ending {
  readonly device: number;
  readonly begun: number;
  /** When the answer to it had come: from here on the bound counts. */
  acknowledged: number | null;
}

/** What happened to the node that was killed. */
export interface Crash {
  readonly node: string;
  /** When it was sent SIGKILL. */
  readonly killed: number;
  /** When its process was gone. */
  readonly at: number;
  /** When it was back, and answered through the balancer again. */
  readonly back: number;
  /** When the balancer had noticed, or `null` where it never did. */
  readonly noticed: number | null;
  /** How many requests it had and had not answered. */
  readonly inFlight: number;
}

/** All that is known of a run. */
export interface Run {
  readonly requests: readonly Request[];
  readonly endings: readonly Ending[];
  readonly crash: Crash;
  /** How long after the acknowledgement another node may still accept: `log.maxStaleness`. */
  readonly bound: number;
}

interface Times {
  readonly median: number;
  readonly p99: number;
}

export interface Summary {
  readonly requests: number;
  readonly byNode: ReadonlyMap<string, number>;
  readonly inFlight: number;
  /** Failed, and excused: the node that died had them. */
  readonly lost: number;
  /** Failed without that excuse. */
  readonly failed: number;
  /** Refused though nobody had ended their session. */
  readonly signedOut: number;
  /** Sessions that were ended. */
  readonly ended: number;
  /** Tries with what was ended that began after the bound, and how many of them were accepted. */
  readonly triedAfterBound: number;
  readonly acceptedAfterBound: number;
  /** The longest after its acknowledgement that a request began which was still accepted, or `null`. */
  readonly lastAccepted: number | null;
  readonly noticedAfter: number | null;
  readonly times: readonly (readonly [phase: string, times: Times])[];
  /** Each promise that was broken, in words. None: all were kept. */
  readonly broken: readonly string[];
}

/** Says of a run whether what is promised was kept. */
export function summarize({ requests, endings, crash, bound }: Run): Summary {
  const endingOf = new Map(endings.map((ending) => [ending.device, ending]));
  const isLost = ({ lostOn, start }: Request): boolean => lostOn === crash.node && start < crash.at;
  const failures = requests.filter((request) => !isAccepted(request) && !isRefused(request));
  const failed = failures.filter((request) => !isLost(request)).length;

  // Nobody had begun to end it when the answer came: so it ought to have been yes.
  const signedOut = requests.filter(
    (request) =>
      request.decides &&
      isRefused(request) &&
      (endingOf.get(request.device)?.begun ?? Infinity) > request.end,
  );

  const since = (request: Request): number =>
    request.start - (endingOf.get(request.device)?.acknowledged ?? Infinity);
  const afterwards = requests.filter(({ act }) => act !== 'end').filter((request) => since(request) > 0);
  const late = afterwards.filter((request) => since(request) > bound);
  const accepted = afterwards.filter(isAccepted);
  const acceptedAfterBound = late.filter(isAccepted).length;

  const nodes = [...new Set(requests.map(({ node }) => node ?? 'nobody'))].toSorted();
  const byNode = new Map(
    nodes.map((name) => [name, requests.filter(({ node }) => (node ?? 'nobody') === name).length]),
  );
  const back = requests.some(({ node, start }) => node === crash.node && start > crash.back);
  const devices = new Set(signedOut.map(({ device }) => device)).size;
  const unacknowledged = endings.filter(({ acknowledged }) => acknowledged === null).length;

  const promises: readonly (readonly [kept: boolean, otherwise: string])[] = [
    [failed === 0, `${failed} requests failed that ${crash.node} did not have when it died`],
    [devices === 0, `${devices} devices were signed out, and nobody had asked for it`],
    [acceptedAfterBound === 0, `${acceptedAfterBound} requests were accepted with what had been revoked`],
    // A run that looked at nothing would keep all of the above.
    [late.length > 0, 'no revoked credential was tried after the bound, so nothing is known of them'],
    [unacknowledged === 0, `${unacknowledged} sessions were to be ended and were not`],
    [back, `${crash.node} did not answer again after it was started`],
  ];
  return {
    requests: requests.length,
    byNode,
    inFlight: crash.inFlight,
    lost: failures.length - failed,
    failed,
    signedOut: devices,
    ended: endings.length - unacknowledged,
    triedAfterBound: late.length,
    acceptedAfterBound,
    lastAccepted: accepted.length === 0 ? null : Math.max(...accepted.map(since)),
    noticedAfter: crash.noticed === null ? null : crash.noticed - crash.killed,
    times: phases(crash).map(([name, from, to]) => [
      name,
      timesOf(requests.filter(({ start }) => start >= from && start < to)),
    ]),
    broken: promises.flatMap(([kept, otherwise]) => (kept ? [] : [otherwise])),
  };
}

function isAccepted({ status }: Request): boolean {
  return status !== null && status < 300;
}

/** 401 on a request, `invalid_grant` on a token: you are nobody here. */
function isRefused({ act, status }: Request): boolean {
  return status === 401 || (act === 'renew' && status === 400);
}

function phases({ at, back }: Crash): readonly (readonly [string, number, number])[] {
  return [
    ['with three nodes', -Infinity, at],
    ['with two', at, back],
    ['with three again', back, Infinity],
  ];
}

function timesOf(requests: readonly Request[]): Times {
  const sorted = requests.map(({ start, end }) => end - start).toSorted((left, right) => left - right);
  const quantile = (share: number): number => sorted[Math.floor((sorted.length - 1) * share)] ?? 0;
  return { median: quantile(0.5), p99: quantile(0.99) };
}
