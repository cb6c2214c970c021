/** @typedef {import('../web.ts').View} View */
/** @typedef {View['lamps'][number]} ShownLamp */
/** @typedef {View['followers'][number]} ShownFollower */

/** What a lamp says of a service's answer. */
export const SAYS = /** @type {const} */ ({
  accepts: 'Lets Ada in',
  refuses: 'Refuses Ada',
  unsure: 'Unsure, refuses',
  silent: 'Does not answer',
});
/** A copy of the log is brought up to date each second: what is younger is of no interest. */
const JUST_NOW_MS = 2_000;
/** `log.maxStaleness` where nobody says otherwise. */
const USUAL_BOUND = '5 s by default';
/** Who is not on a lamp. @type {Readonly<Record<string, string>>} */
const CALLED = { billing: 'billing, which orders calls' };

/** @param {number} millis */
export function seconds(millis) {
  return `${(Math.max(0, millis) / 1000).toFixed(1)} s`;
}

/** @param {number} millis */
export function minutes(millis) {
  const whole = Math.max(0, Math.ceil(millis / 1000));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`;
}

/** @param {number} at */
export function clock(at) {
  const time = new Date(at);
  const two = (/** @type {number} */ part) => String(part).padStart(2, '0');
  return `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}`;
}

/** @param {number} millis */
export function took(millis) {
  return millis < 2_000 ? `${Math.round(millis)} ms` : seconds(millis);
}

/** How old the copy of Orders is by now, in milliseconds; `null` where it is not known. @param {View} shown @param {number} time */
export function age({ followers, now: then }, time) {
  const orders = followers.find(({ name }) => name === 'orders');
  return orders?.age == null ? null : orders.age + time - then;
}

/** @param {View} shown @param {string} name */
export function lampOf(shown, name) {
  return shown.lamps.find((lamp) => lamp.name === name) ?? null;
}

/**
 * A lamp's number, what it means in short, and what else there is to say of it.
 *
 * @param {View} shown @param {ShownLamp} lamp @param {number} time @returns {readonly [figure: string, short: string, more: string]}
 */
export function figureOf(shown, { name, answer, turn }, time) {
  const { revocation, expiresAt, cutAt } = shown;
  if (name === 'orders' && cutAt !== null && (turn === null || turn.after === null))
    return whileCut(shown, answer, time);
  if (revocation === null || turn === null) return ['', '', ''];
  if (name === 'control') {
    const left = (expiresAt ?? 0) - time;
    return left > 0
      ? [minutes(left), 'until this token expires', 'Nobody tells it before.']
      : ['0:00', 'The token has expired.', 'Nothing else has stopped it.'];
  }
  if (turn.already) return ['', 'It had stopped before Revoke.', ''];
  if (turn.after === null) return ['…', 'waiting for a refusal', ''];
  if (answer === 'unsure')
    return [took(turn.after), 'until it stopped by itself', `It heard nothing for ${bound(shown)} s.`];
  const ended = name === 'orders' ? revocation.streamEndedAfter : null;
  const stream = ended === null ? '' : `Its open stream ended: ${took(ended)}.`;
  return [took(turn.after), 'from Revoke to the first refusal', stream];
}

/** What there is to say of Orders while nothing reaches it. @param {View} shown @param {ShownLamp['answer']} answer @param {number} time @returns {readonly [string, string, string]} */
function whileCut(shown, answer, time) {
  const old = age(shown, time);
  const left = 'left of its copy of the log';
  if (answer !== 'accepts' || old === null || old >= shown.maxStaleness)
    return ['0 s', left, 'So it is sure of nobody.'];
  const unheard = shown.revocation === null ? 'It hears nothing.' : 'It has not heard of Revoke.';
  return [seconds(shown.maxStaleness - old), left, unheard];
}

/** What is going on, in a sentence or two. @param {View} shown */
export function tellingOf(shown) {
  const { revocation, cutAt, lamps } = shown;
  const ask = lamps.filter(({ name }) => name !== 'control');
  if (revocation === null) {
    if (cutAt !== null) return tellingOfCut(shown);
    return ask.every(({ answer }) => answer === 'accepts')
      ? 'Everybody lets Ada in: each bar is a request of hers, and tall where it was let in. Press Revoke.'
      : 'Ada has signed in. Waiting until everybody lets her in.';
  }
  if (revocation.receipt === null) return 'Revoking …';
  const late = ask.filter(({ turn }) => turn !== null && turn.after === null && !turn.already);
  if (late.length > 0) {
    return cutAt !== null && late.length === 1 && late[0]?.name === 'orders'
      ? 'Revoked, and Orders cannot hear of it. The receipt names it, and says by when it will have stopped.'
      : 'Revoked. Waiting for the first refusals.';
  }
  const still = lampOf(shown, 'control')?.answer === 'accepts';
  const control = still ? ' Control still lets Ada in: it reads signature and expiry alone.' : '';
  return `${tellingOfEnd(shown, ask)}${control}`;
}

/** @param {View} shown */
function tellingOfCut(shown) {
  return lampOf(shown, 'orders')?.answer === 'accepts'
    ? `Nothing passes between Orders and Latchkey. Its copy of the log counts for ${bound(shown)} s at most (${USUAL_BOUND}): press Revoke meanwhile.`
    : `Orders lets nobody in: it has heard nothing for ${bound(shown)} s, so it cannot know who was revoked. Mend the wire, or revoke all the same.`;
}

/** @param {View} shown @param {readonly ShownLamp[]} ask Who follows the log, all of whom let nobody in. */
function tellingOfEnd(shown, ask) {
  const orders = lampOf(shown, 'orders');
  if (orders?.answer === 'unsure') {
    return orders.turn?.already === true
      ? 'Revoked. Orders has not heard of it, but had stopped by itself before.'
      : 'Orders never heard of Revoke and stopped by itself: its copy of the log is too old.';
  }
  const times = ask.flatMap(({ turn }) => (turn === null || turn.already ? [] : (turn.after ?? [])));
  const slowest = times.length === 0 ? '' : `, the slowest after ${took(Math.max(...times))}`;
  return `Revoked: all who follow the log refuse${slowest}.`;
}

/** The longest that a copy counts, in whole seconds. @param {View} shown */
export function bound({ maxStaleness }) {
  return Math.round(maxStaleness / 1000);
}

/** @param {NonNullable<NonNullable<View['revocation']>['receipt']>} receipt */
export function outcomeOf({ settled, pending }) {
  if (!settled) return `Not settled yet: waiting for ${pending.join(', ')}.`;
  if (pending.length === 0) return 'Settled: all followers have confirmed.';
  return `Settled at the deadline: ${pending.join(', ')} never confirmed, and had to stop by then.`;
}

/** What the table says of a follower. @param {ShownFollower} follower @returns {readonly string[]} */
export function rowOf({ name, kind, behind, age: old, fresh }) {
  const contact = old === null ? '' : old < JUST_NOW_MS ? 'just now' : `${seconds(old)} ago`;
  return [
    kind === 'node' ? `Latchkey (${name})` : (CALLED[name] ?? name),
    behind === 0 ? 'none' : String(behind),
    contact,
    fresh ? 'yes' : 'no',
  ];
}

/** What is to know about the table. @param {View} shown */
export function legendOf(shown) {
  return `The log lists what was revoked. Fresh is who heard from Latchkey in the last ${bound(shown)} s (${USUAL_BOUND}); anybody else can be sure of nobody. Nobody tells Control anything.`;
}
