import { successorIn } from './catalogue.ts';
import type { Findings, Rule } from './checker.ts';
import type { History, Operation } from './history.ts';

const accept = (operation: Operation): Operation => ({ ...operation, outcome: 'ok' });
const refuse = ({ issues: _issues, answered: _answered, ...operation }: Operation): Operation => ({
  ...operation,
  outcome: 'refused',
});

/** By which other answer an operation breaks a rule that left it one answer; `null` where it cannot. */
const FALSE_ANSWERS: Readonly<Record<Rule, (operation: Operation) => Operation | null>> = {
  'ended-accepted': accept,
  'ended-used': accept,
  'replaced-accepted': accept,
  'old-password-accepted': (operation) => (operation.outcome === 'refused' ? accept(operation) : null),
  'refused-without-cause': refuse,
  'password-refused': refuse,
  'two-successors': (operation) => {
    const successor = operation.kind === 'refresh' ? successorIn(operation, 'refresh') : null;
    // One that was answered by itself could have been the first to get a successor.
    if (successor === null || successor === operation.presents) return null;
    const issues = operation.issues?.map((each) =>
      each.name === successor ? { ...each, name: `another ${successor}` } : each,
    );
    return { ...operation, ...(issues === undefined ? {} : { issues }) };
  },
  'wrong-subject': (operation) => ({ ...operation, answered: { user: 'mallory', session: 'none' } }),
};

/** A recorded history in which one answer, on which a rule had the say, is another. */
export interface Falsified {
  readonly rule: Rule;
  readonly operation: Operation;
  readonly history: History;
}

/** Falsifies a good history, for each rule at so many places at most, which are spread over it. */
export function* falsify(history: History, { judged }: Findings, places: number): Generator<Falsified> {
  for (const [rule, operations] of judged) {
    const candidates = operations.flatMap((operation) => {
      const falsified = FALSE_ANSWERS[rule](operation);
      if (falsified === null || (rule === 'two-successors' && !isShared(operation, operations))) return [];
      return [{ operation, falsified }];
    });
    const step = Math.max(1, Math.ceil(candidates.length / places));
    for (const [index, { operation, falsified }] of candidates.entries()) {
      if (index % step !== 0) continue;
      const replaced = history.operations.map((each) => (each === operation ? falsified : each));
      yield { rule, operation: falsified, history: { ...history, operations: replaced } };
    }
  }
}

/** Whether the same credential was replaced in another answer too: alone, no successor is the wrong one. */
function isShared(operation: Operation, operations: readonly Operation[]): boolean {
  const successor = successorIn(operation, 'refresh');
  return operations.some(
    (other) =>
      other !== operation &&
      other.presents === operation.presents &&
      other.start !== operation.start &&
      successorIn(other, 'refresh') === successor,
  );
}
