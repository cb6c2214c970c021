/** @typedef {import('../web.ts').View} View */
/** @typedef {View['lamps'][number]} ShownLamp */

const SAYS = /** @type {const} */ ({
  accepts: 'Lets Ada in',
  refuses: 'Refuses Ada',
  unsure: 'Unsure, refuses',
  silent: 'Does not answer',
});
/** How much of the past a strip shows. */
const SPAN_MS = 12_000;

/** @template {keyof HTMLElementTagNameMap} Name @param {string} selector @param {Name} _name @param {ParentNode} [within] */
function find(selector, _name, within = document) {
  const found = /** @type {HTMLElementTagNameMap[Name] | null} */ (within.querySelector(selector));
  if (found === null) throw new Error(`the page has no ${selector}`);
  return found;
}

/** @param {Element} element @param {string} text Written only where it is another: what has not changed is not read out again. */
function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

const buttons = {
  revoke: find('#revoke', 'button'),
  wire: find('#wire', 'button'),
  signIn: find('#sign-in', 'button'),
};
const cards = [...document.querySelectorAll('.lamp')].map((card) => ({
  card: /** @type {HTMLElement} */ (card),
  name: card.getAttribute('data-lamp') ?? '',
  strip: find('canvas', 'canvas', card),
  /** @type {ShownLamp['ticks'][number][]} */
  ticks: [],
}));

/** @type {View | null} */
let view = null;
/** What this browser's clock is ahead of the demo's, in milliseconds. */
let ahead = 0;
let pressing = false;

function now() {
  return performance.timeOrigin + performance.now() - ahead;
}

/** @param {number} millis */
function seconds(millis) {
  return `${(Math.max(0, millis) / 1000).toFixed(1)} s`;
}

/** @param {number} millis */
function minutes(millis) {
  const whole = Math.max(0, Math.ceil(millis / 1000));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`;
}

/** @param {number} at */
function clock(at) {
  const time = new Date(at);
  const two = (/** @type {number} */ part) => String(part).padStart(2, '0');
  return `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}.${String(time.getMilliseconds()).padStart(3, '0')}`;
}

/** @param {number} millis */
function took(millis) {
  return millis < 2_000 ? `${Math.round(millis)} ms` : seconds(millis);
}

/** @param {View} shown */
function age({ followers, now: then }) {
  const orders = followers.find(({ name }) => name === 'orders');
  return orders?.age == null ? null : orders.age + now() - then;
}

/** @param {View} shown @param {string} name */
function lampOf(shown, name) {
  return shown.lamps.find((lamp) => lamp.name === name) ?? null;
}

/** What a lamp's number is and what it means. @param {View} shown @param {ShownLamp} lamp @returns {readonly [string, string]} */
function figureOf(shown, { name, answer, turn }) {
  const { revocation, expiresAt, cutAt } = shown;
  if (name === 'orders' && cutAt !== null && (turn === null || turn.after === null))
    return whileCut(shown, answer);
  if (revocation === null) return ['', ''];
  if (name === 'control') {
    const left = (expiresAt ?? 0) - now();
    return left > 0
      ? [minutes(left), 'until the token expires. Nobody tells it before.']
      : ['', 'It has stopped at last: the token has expired.'];
  }
  if (turn === null) return ['', ''];
  if (turn.already) return ['', 'It let nobody in when Revoke was pressed.'];
  if (turn.after !== null) {
    const last =
      turn.lastAccepted === null || turn.lastAccepted < 0
        ? ''
        : ` The last request let in began at ${took(turn.lastAccepted)}.`;
    if (answer === 'unsure')
      return [took(turn.after), 'after Revoke it stopped by itself, having heard nothing for too long.'];
    return [took(turn.after), `from Revoke to the first refusal.${last}`];
  }
  return ['…', 'Waiting for its first refusal.'];
}

/** What there is to say of Orders while nothing reaches it. @param {View} shown @param {ShownLamp['answer']} answer @returns {readonly [string, string]} */
function whileCut(shown, answer) {
  const old = age(shown);
  if (answer !== 'accepts' || old === null || old >= shown.maxStaleness)
    return ['0 s', 'left of its copy of the log: it cannot be sure of anybody, so it lets nobody in.'];
  const unheard = shown.revocation === null ? 'It hears nothing of Latchkey.' : 'It has not heard of Revoke.';
  return [seconds(shown.maxStaleness - old), `are left of its copy of the log. ${unheard}`];
}

/** One sentence for what is going on. @param {View} shown */
function tellingOf(shown) {
  const { revocation, cutAt, lamps } = shown;
  const orders = lampOf(shown, 'orders');
  const ask = lamps.filter(({ name }) => name !== 'control');
  if (revocation === null) {
    if (cutAt === null) {
      return ask.every(({ answer }) => answer === 'accepts')
        ? 'Everybody lets Ada in. Press Revoke.'
        : 'Ada has signed in. Waiting until everybody lets her in.';
    }
    return orders?.answer === 'accepts'
      ? `Nothing passes between Orders and Latchkey any more. Its copy of the log counts for ${bound(shown)} s at most: press Revoke meanwhile.`
      : 'Orders lets nobody in, because it cannot know who was revoked. Mend the wire, or revoke all the same.';
  }
  if (revocation.receipt === null) return 'Revoking …';
  const late = ask.filter(({ turn }) => turn !== null && turn.after === null && !turn.already);
  if (late.length > 0) {
    return cutAt !== null && late.length === 1 && late[0]?.name === 'orders'
      ? 'Revoked, and Orders cannot hear of it. The receipt names it, and says by when it will have stopped.'
      : 'Revoked. Waiting for the first refusals.';
  }
  const slowest = Math.max(...ask.map(({ turn }) => turn?.after ?? 0));
  const still = lampOf(shown, 'control')?.answer === 'accepts';
  const control = still
    ? ' The control still lets Ada in: her token is signed and has not expired, which is all it looks at.'
    : '';
  if (orders?.answer === 'unsure') {
    return `Orders never heard of it and stopped all the same: it knows how old its copy is.${revocation.receipt.settled ? ' The receipt is settled.' : ''}${control}`;
  }
  return `Revoked: all who follow the log refuse, the slowest after ${took(slowest)}.${control}`;
}

/** The longest that a copy counts, in whole seconds. @param {View} shown */
function bound({ maxStaleness }) {
  return Math.round(maxStaleness / 1000);
}

/** @param {View} shown */
function showLamps(shown) {
  for (const { card, name } of cards) {
    const lamp = lampOf(shown, name);
    if (lamp === null) continue;
    const isCut = name === 'orders' && shown.cutAt !== null;
    const cut = isCut ? ' · cut' : '';
    card.dataset['answer'] = lamp.answer ?? 'silent';
    card.toggleAttribute('data-cut', isCut);
    say(find('.answer', 'p', card), lamp.answer === null ? 'Starting' : `${SAYS[lamp.answer]}${cut}`);
    const [figure, meaning] = figureOf(shown, lamp);
    say(find('.figure strong', 'strong', card), figure);
    say(find('.figure span', 'span', card), meaning);
    say(find('.count', 'p', card), countOf(shown, lamp));
  }
  const old = age(shown);
  const left = find('progress', 'progress');
  left.hidden = shown.cutAt === null || old === null || old >= shown.maxStaleness;
  if (old !== null) left.value = Math.max(0, 1 - old / shown.maxStaleness);
}

/** @param {View} shown @param {ShownLamp} lamp */
function countOf({ revocation }, { name, requests }) {
  const count = `${requests.toLocaleString('en')} requests`;
  if (name !== 'orders' || revocation === null || revocation.streamEndedAfter === null) return count;
  return `${count}. An open stream was ended after ${took(revocation.streamEndedAfter)}.`;
}

/** @param {View} shown */
function showReceipt({ revocation }) {
  const receipt = revocation?.receipt ?? null;
  find('#receipt', 'dl').hidden = receipt === null;
  find('#no-receipt', 'p').hidden = receipt !== null;
  if (receipt === null) return;
  const { settled, confirmed, pending, deadline, tokensDeadBy, at, id } = receipt;
  const why = pending.length === 0 ? 'all followers have confirmed' : 'the deadline has passed';
  say(find('#settled', 'dd'), settled ? `yes, ${why}` : `not yet, waiting for ${pending.join(', ')}`);
  const left = deadline - now();
  say(find('#deadline', 'dd'), `${clock(deadline)}, ${left > 0 ? `in ${seconds(left)}` : 'passed'}`);
  say(
    find('#dead', 'dd'),
    `${clock(tokensDeadBy)}, in ${minutes(tokensDeadBy - now())}, for those who read only the expiry`,
  );
  say(find('#at', 'dd'), `${clock(at)}; the call took ${took(revocation?.answeredAfter ?? 0)}`);
  say(find('#id', 'code'), id);
  const badges = [
    ...confirmed.map((name) => ['confirmed', `✓ ${name}`]),
    ...pending.map((name) => ['pending', `${settled ? 'never confirmed' : 'pending'}: ${name}`]),
  ];
  const names = find('#names', 'dd');
  if (names.dataset['shown'] === JSON.stringify(badges)) return;
  names.dataset['shown'] = JSON.stringify(badges);
  names.replaceChildren(
    ...badges.map(([kind = '', text = '']) => {
      const badge = document.createElement('span');
      badge.className = `badge ${kind}`;
      badge.textContent = text;
      return badge;
    }),
  );
}

/** @param {View} shown */
function showFollowers({ followers }) {
  const body = find('#followers', 'tbody');
  while (body.rows.length > followers.length) body.deleteRow(-1);
  for (const [index, { name, kind, cursor, behind, age: old, fresh }] of followers.entries()) {
    const row = body.rows[index] ?? rowIn(body);
    const texts = [
      kind === 'node' ? `${name} (node)` : name,
      String(cursor),
      String(behind),
      old === null ? '' : took(old),
      fresh ? 'yes' : 'no',
    ];
    for (const [column, text] of texts.entries()) {
      const cell = row.cells[column];
      if (cell !== undefined) say(cell, text);
    }
    row.cells[4]?.classList.toggle('stale', !fresh);
  }
}

/** @param {HTMLTableSectionElement} body */
function rowIn(body) {
  const row = body.insertRow();
  const head = document.createElement('th');
  head.scope = 'row';
  row.append(head);
  for (const name of ['number cursor', 'number', 'number', '']) row.insertCell().className = name;
  return row;
}

/** @param {HTMLButtonElement} button @param {boolean} able It keeps the focus either way. */
function enable(button, able) {
  button.setAttribute('aria-disabled', String(!able));
}

/** @param {View} shown */
function showButtons({ revocation, cutAt, lamps }) {
  enable(buttons.revoke, revocation === null && !pressing && lamps.length > 0);
  enable(buttons.wire, !pressing);
  enable(buttons.signIn, revocation !== null && !pressing);
  const text = buttons.wire.firstChild;
  const word = cutAt === null ? 'Cut the wire' : 'Mend the wire';
  if (text !== null && text.textContent !== word) text.textContent = word;
}

/** @param {View} shown What a machine lacks, once. */
function showMissing(shown) {
  if (!shown.behindNginx) {
    say(
      find('#shop-what', 'p'),
      'An application on a session cookie, checked in the node itself. With nginx installed (apt-get install nginx-light) it stands behind a gateway.',
    );
  }
  const python = cards.find(({ name }) => name === 'python');
  if (lampOf(shown, 'python') !== null || python === undefined) return;
  python.card.dataset['answer'] = 'silent';
  say(find('.answer', 'p', python.card), 'Not on this machine');
  say(
    find('#python-what', 'p'),
    'A verifier in another language. It needs Python with PyJWT and cryptography: apt-get install python3-jwt python3-cryptography, then start the demo again.',
  );
}

function show() {
  if (view === null) return;
  showLamps(view);
  showReceipt(view);
  showButtons(view);
}

const HEIGHTS = { accepts: 1, unsure: 0.45, refuses: 0.45, silent: 0.15 };

/** Draws what was asked lately: tall where Ada was let in, short where not. */
function draw() {
  if (view === null) return;
  const time = now();
  for (const one of cards) {
    const { card, strip } = one;
    one.ticks = one.ticks.filter(([at]) => time - at < SPAN_MS);
    const scale = window.devicePixelRatio;
    const width = Math.round(strip.clientWidth * scale);
    const height = Math.round(strip.clientHeight * scale);
    if (strip.width !== width || strip.height !== height) Object.assign(strip, { width, height });
    const paint = strip.getContext('2d');
    if (paint === null) continue;
    const style = getComputedStyle(card);
    const colour = (/** @type {string} */ name) => style.getPropertyValue(name);
    const x = (/** @type {number} */ at) => width - ((time - at) / SPAN_MS) * width;
    paint.clearRect(0, 0, width, height);
    for (const [at, answer] of one.ticks) {
      paint.fillStyle = colour(
        answer === 'accepts' ? '--done-ink' : answer === 'silent' ? '--edge' : '--problem-ink',
      );
      const tall = HEIGHTS[answer] * (height - 4 * scale);
      paint.fillRect(x(at), height - tall, Math.max(1, 1.5 * scale), tall);
    }
    if (view.revocation !== null) {
      paint.fillStyle = colour('--ink');
      paint.fillRect(x(view.revocation.calledAt), 0, 2 * scale, height);
    }
  }
}

/** @param {MessageEvent<string>} event */
function hear({ data }) {
  view = /** @type {View} */ (JSON.parse(data));
  ahead = performance.timeOrigin + performance.now() - view.now;
  for (const one of cards) one.ticks.push(...(lampOf(view, one.name)?.ticks ?? []));
  say(find('#link', 'p'), 'Live. All of it runs on this machine, and the numbers are of this machine.');
  say(find('#telling', 'p'), tellingOf(view));
  showMissing(view);
  showFollowers(view);
  show();
}

/** @param {string} path */
async function press(path) {
  if (pressing) return;
  pressing = true;
  show();
  try {
    const response = await fetch(path, { method: 'POST' });
    if (!response.ok) say(find('#link', 'p'), 'That did not work. The terminal says why.');
  } catch {
    say(find('#link', 'p'), 'The demo does not answer.');
  } finally {
    pressing = false;
    show();
  }
}

for (const [button, path] of /** @type {const} */ ([
  [buttons.revoke, () => '/revoke'],
  [buttons.wire, () => (view?.cutAt == null ? '/cut' : '/mend')],
  [buttons.signIn, () => '/sign-in'],
])) {
  button.addEventListener('click', () => {
    if (button.getAttribute('aria-disabled') !== 'true') void press(path());
  });
}

const events = new EventSource('/events');
events.addEventListener('message', hear);
events.addEventListener('error', () => {
  say(find('#link', 'p'), 'The demo has ended, or cannot be reached');
  for (const button of Object.values(buttons)) enable(button, false);
});
const calm = matchMedia('(prefers-reduced-motion: reduce)').matches;
setInterval(show, 100);
setInterval(draw, calm ? 1_000 : 66);
