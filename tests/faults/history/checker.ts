import { type Catalogue, catalogueOf, type Known, latest, successorIn } from './catalogue.ts';
import {
  coversCredential,
  coversSession,
  type Ending,
  type Endings,
  endingsAbout,
  endingsOf,
  inForceFrom,
  mayExplain,
} from './endings.ts';
import { type History, type Kind, lineOf, type Operation } from './history.ts';
import { type PasswordLife, passwordsOf } from './passwords.ts';
import { isSurelyHonoured, replacedFrom } from './succession.ts';

/** What must hold. */
export const RULES = {
  'ended-accepted':
    'I4: what was ended is refused by what starts after the acknowledgement and the bound, without the bound on the node that acknowledged it, and on every node once it is settled',
  'ended-used':
    'I2: what reads the row (a refresh, a change of anything) is refused to an ended session on every node as soon as its end is acknowledged',
  'replaced-accepted': 'R10, R11: what was replaced is refused when its grace is over',
  'two-successors': 'I2: a credential has one successor, which stays its successor',
  'refused-without-cause': 'nobody is signed out by accident, least of all who was spared',
  'old-password-accepted': 'I1: a password that was replaced proves nothing any more',
  'password-refused': 'I1: the password in force is accepted',
  'wrong-subject': 'I5: no answer is about somebody else',
} as const;

export type Rule = keyof typeof RULES;

/** A rule that an operation breaks, with what it is in contradiction to. */
export interface Violation {
  readonly rule: Rule;
  readonly operation: Operation;
  readonly explanation: string;
}

export interface Findings {
  readonly violations: readonly Violation[];
  /** Operations in which a rule left one answer alone: without any, a rule was not tried. */
  readonly judged: ReadonlyMap<Rule, readonly Operation[]>;
}

/** Kinds that ask for nothing but to be let in, and whose refusal therefore needs a cause. */
const NEEDS_CAUSE = new Set<Kind>(['check', 'refresh', 'exchange', 'sign-out', 'end-others', 'end-all']);
/** Kinds that read the session's row, wherever they are answered. */
const READS_ROW = new Set<Kind>([
  'refresh',
  'exchange',
  'end-session',
  'end-others',
  'end-all',
  'change-password',
  'step-up',
]);
/** Kinds that say nothing of what they present: a sign-in ends it if it lives, a receipt is asked for by anybody. */
const SAYS_NOTHING = new Set<Kind>(['sign-in', 'receipt']);

interface Judge {
  readonly catalogue: Catalogue;
  readonly endings: Endings;
  readonly passwords: (name: string) => PasswordLife;
  /** Notes that a rule leaves an operation one answer, and whether it got another. */
  readonly rule: (
    rule: Rule,
    operation: Operation,
    broken: boolean,
    why: string,
    against?: readonly Operation[],
  ) => void;
}

/**
 * Holds a recorded history against the rules. What overlaps may have happened in
 * any order; each rule says at its place what it takes for sure, so that an honest
 * history is never refused.
 */
export function check(history: History): Findings {
  const violations: Violation[] = [];
  const judged = new Map<Rule, Operation[]>(Object.keys(RULES).map((name) => [name as Rule, []]));
  const catalogue = catalogueOf(history);
  const judge: Judge = {
    catalogue,
    endings: endingsOf(catalogue),
    passwords: passwordsOf(catalogue),
    rule: (rule, operation, broken, why, against = []) => {
      judged.get(rule)?.push(operation);
      if (!broken) return;
      const lines = [why, ...[...against, operation].map((each) => `    ${lineOf(each)}`)];
      violations.push({ rule, operation, explanation: `${rule}: ${lines.join('\n')}` });
    },
  };
  for (const operation of history.operations) {
    judgePassword(judge, operation);
    judgeSubject(judge, operation);
    const presented = catalogue.credentials.get(operation.presents ?? '');
    if (presented === undefined || SAYS_NOTHING.has(operation.kind)) continue;
    judgeEnded(judge, operation, presented);
    judgeRefused(judge, operation, presented);
    judgeReplaced(judge, operation);
    judgeSuccessor(judge, operation, presented);
  }
  return { violations, judged };
}

/**
 * An acceptance counts by its *start*: whatever the node read for it, it read later.
 * An ending counts by its acknowledgement, at which it had been committed, and only
 * for what existed before it started.
 */
function judgeEnded(judge: Judge, operation: Operation, presented: Known): void {
  const { catalogue, endings } = judge;
  const { kind, node, start, outcome } = operation;
  if (outcome === 'unknown') return;
  const about = endingsAbout(endings, presented).filter(({ by }) => by !== operation);
  const accepted = outcome === 'ok';
  const readsRow = READS_ROW.has(kind) || (kind === 'sign-out' && presented.kind !== 'token');
  if (readsRow) {
    const rowOver = ({ certain, latest: acknowledged, ...rest }: Ending): boolean =>
      certain &&
      start > acknowledged &&
      coversSession(catalogue, { certain, latest: acknowledged, ...rest }, presented.session) === 'yes';
    const ending = about.find(rowOver);
    if (ending !== undefined) {
      const why = `${presented.name} was used ${(start - ending.latest).toFixed(1)} ms after its session's end was acknowledged`;
      return judge.rule('ended-used', operation, accepted, why, [ending.by]);
    }
  }
  const ending = about.find(
    (each) =>
      start > inForceFrom(catalogue, each, node) && coversCredential(catalogue, each, presented) === 'yes',
  );
  if (ending === undefined) return;
  const late = start - inForceFrom(catalogue, ending, node);
  const why = `${presented.name} was accepted ${late.toFixed(1)} ms after ${node} had to refuse it`;
  judge.rule('ended-accepted', operation, accepted, why, [ending.by]);
}

/**
 * A refusal is right if anything that had begun before it was answered may have
 * ended or replaced what was presented, or if that may have expired.
 */
function judgeRefused(judge: Judge, operation: Operation, presented: Known): void {
  const { catalogue, endings } = judge;
  const { kind, outcome } = operation;
  if (outcome === 'unknown' || !NEEDS_CAUSE.has(kind)) return;
  const { life = Number.POSITIVE_INFINITY, issuedBy, name } = presented;
  if (latest(catalogue, operation) >= issuedBy.start + life) return;
  if (!isSurelyHonoured(catalogue, operation)) return;
  const explained = endingsAbout(endings, presented).some(
    (each) => mayExplain(catalogue, each, operation) && coversCredential(catalogue, each, presented) !== 'no',
  );
  if (explained) return;
  const why = `${name} was refused, and nothing had begun to end it`;
  judge.rule('refused-without-cause', operation, outcome === 'refused', why, [issuedBy]);
}

/** See `succession.ts`: replaced for sure from the end of a replacement on, and then a grace longer. */
function judgeReplaced(judge: Judge, operation: Operation): void {
  const { kind, outcome, start, presents } = operation;
  // Whoever ever held a cookie may sign out by it.
  if (outcome === 'unknown' || kind === 'sign-out') return;
  const from = replacedFrom(judge.catalogue, operation);
  if (start <= from) return;
  const why = `${presents} was accepted ${(start - from).toFixed(1)} ms after the grace of what is replaced`;
  const against = replacing(judge, operation);
  judge.rule('replaced-accepted', operation, outcome === 'ok', why, against);
}

/** Other operations that replaced what this one presents. */
function replacing({ catalogue }: Judge, operation: Operation): readonly Operation[] {
  const all = catalogue.replacements.get(operation.presents ?? '') ?? [];
  return all.filter((other) => other !== operation);
}

/**
 * Of any two answers to one credential, whatever their order, both name the same
 * successor. Before there is one, a refresh token is answered by itself; afterwards,
 * which is when somebody has been told of it before the request starts, it is not.
 */
function judgeSuccessor(judge: Judge, operation: Operation, presented: Known): void {
  const { kind: ofWhat, name } = presented;
  if (operation.outcome !== 'ok' || ofWhat === 'token') return;
  const successor = successorIn(operation, ofWhat);
  if (successor === null) return;
  const others = replacing(judge, operation).filter((other) => other.outcome === 'ok');
  const against =
    successor === name
      ? others.filter(({ end }) => end !== null && end < operation.start)
      : others.filter((other) => other.start < operation.start && successorIn(other, ofWhat) !== successor);
  // A cookie is replaced by compare-and-swap: the same successor twice is as impossible.
  const why = `${name} has the successor ${successor}, and another before it`;
  judge.rule('two-successors', operation, against.length > 0, why, against);
}

/** See `passwords.ts`. Whatever proves a password must not prove an old one; only a sign-in must succeed. */
function judgePassword(judge: Judge, operation: Operation): void {
  const { kind, outcome, password, start, end, user } = operation;
  if (password === undefined || outcome === 'unknown' || kind === 'sign-up') return;
  const { from, until, over } = judge.passwords(password);
  const changes = judge.catalogue.operations.filter(
    (other) => other.kind === 'change-password' && other.password === password && other !== operation,
  );
  if (start > over) {
    const why = `${password} was accepted ${(start - over).toFixed(1)} ms after it was surely replaced`;
    return judge.rule('old-password-accepted', operation, outcome === 'ok', why, changes);
  }
  if (kind === 'change-password' && outcome === 'ok') {
    // Of two that replace the same one, the second finds it replaced, in whatever order they come.
    const first = changes.filter((other) => other.outcome === 'ok' && other.start < start);
    const why = `${password} was replaced twice`;
    return judge.rule('old-password-accepted', operation, first.length > 0, why, first);
  }
  if (kind !== 'sign-in' || user === null || end === null) return;
  if (start <= from || end >= until) return;
  const overtaken = endingsAbout(judge.endings, { user, session: '' }).some(
    // R1: who signs in while the user's sessions are being ended is refused, whatever the password.
    (each) => each.cause && each.earliest < end && each.latest > start,
  );
  if (overtaken) return;
  judge.rule('password-refused', operation, outcome === 'refused', `${password} was in force throughout`);
}

/** There is no order to consider: an answer is about whom the credential was issued for, or it is wrong. */
function judgeSubject(judge: Judge, operation: Operation): void {
  const { answered, presents, kind, user, outcome } = operation;
  if (outcome !== 'ok' || answered === undefined) return;
  const { credentials, begun } = judge.catalogue;
  const presented = credentials.get(presents ?? '');
  const begins = kind === 'sign-in' || kind === 'sign-up';
  // A session begins once: an answer that claims another's is the second.
  const isOwn = begins
    ? (begun.get(answered.session) ?? operation) === operation
    : answered.session === presented?.session;
  const broken = answered.user !== (begins ? user : presented?.user) || !isOwn;
  const why = `the answer is about ${answered.session} of ${answered.user}`;
  judge.rule('wrong-subject', operation, broken, why, presented === undefined ? [] : [presented.issuedBy]);
}
