import {
  age,
  clock,
  figureOf,
  lampOf,
  legendOf,
  minutes,
  outcomeOf,
  rowOf,
  SAYS,
  seconds,
  tellingOf,
  took,
} from './words.js';

/** @typedef {import('../web.ts').View} View */
/** @typedef {View['lamps'][number]} ShownLamp */

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

/** @param {View} shown */
function showLamps(shown) {
  for (const { card, name } of cards) {
    const lamp = lampOf(shown, name);
    if (lamp === null) continue;
    const isCut = name === 'orders' && shown.cutAt !== null;
    const cut = isCut && lamp.answer === 'accepts' ? ' · cut' : '';
    card.dataset['answer'] = lamp.answer ?? 'silent';
    card.toggleAttribute('data-cut', isCut);
    say(find('.answer', 'p', card), lamp.answer === null ? 'Starting' : `${SAYS[lamp.answer]}${cut}`);
    const [figure, short, more] = figureOf(shown, lamp, now());
    say(find('.figure strong', 'strong', card), figure);
    say(find('.figure .short', 'span', card), short);
    say(find('.figure .more', 'span', card), more);
    say(find('.count', 'p', card), `${lamp.requests.toLocaleString('en')} requests`);
  }
  const old = age(shown, now());
  const left = find('progress', 'progress');
  left.hidden = shown.cutAt === null || old === null || old >= shown.maxStaleness;
  if (old !== null) left.value = Math.max(0, 1 - old / shown.maxStaleness);
}

const before = find('#outcome', 'p').textContent;

/** @param {View} shown */
function showReceipt({ revocation, followers }) {
  const receipt = revocation?.receipt ?? null;
  find('#receipt', 'dl').hidden = receipt === null;
  say(find('#outcome', 'p'), receipt === null ? before : outcomeOf(receipt));
  if (receipt === null) return;
  const { settled, confirmed, pending, deadline, tokensDeadBy, at, id } = receipt;
  const left = deadline - now();
  say(
    find('#deadline', 'dd'),
    `by ${clock(deadline)} at the latest, ${left > 0 ? `in ${seconds(left)}` : 'passed'}`,
  );
  const life = tokensDeadBy - now();
  say(
    find('#dead', 'dd'),
    `by ${clock(tokensDeadBy)} at the latest, ${life > 0 ? `in ${minutes(life)}` : 'passed'}, as tokens expire`,
  );
  say(find('#at', 'dd'), `at ${clock(at)}; the call took ${took(revocation?.answeredAfter ?? 0)}`);
  say(find('#id', 'code'), id);
  const nodes = new Set(followers.filter(({ kind }) => kind === 'node').map(({ name }) => name));
  const badges = [
    ...confirmed.map((name) => ({ name: nodes.has(name) ? 'Latchkey' : name, kind: 'confirmed' })),
    ...pending.map((name) => ({ name, kind: 'pending' })),
  ]
    // Each in its place, whoever confirms first.
    .toSorted((one, other) => (one.name < other.name ? -1 : 1))
    .map(({ name, kind }) => [
      kind,
      `${kind === 'confirmed' ? '✓ ' : `${settled ? 'never confirmed' : 'pending'}: `}${name}`,
    ]);
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
function showFollowers(shown) {
  say(find('#legend', 'p'), legendOf(shown));
  const body = find('#followers', 'tbody');
  while (body.rows.length > shown.followers.length) body.deleteRow(-1);
  for (const [index, follower] of shown.followers.entries()) {
    const row = body.rows[index] ?? rowIn(body);
    for (const [column, text] of rowOf(follower).entries()) {
      const cell = row.cells[column];
      if (cell !== undefined) say(cell, text);
    }
    row.cells[3]?.classList.toggle('stale', !follower.fresh);
  }
}

/** @param {HTMLTableSectionElement} body */
function rowIn(body) {
  const row = body.insertRow();
  const head = document.createElement('th');
  head.scope = 'row';
  row.append(head);
  for (let column = 0; column < 3; column += 1) row.insertCell();
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

/** @param {View} shown What a machine lacks. */
function showMissing(shown) {
  if (!shown.behindNginx) {
    say(
      find('[data-lamp=shop] .what', 'p'),
      'No nginx here: Latchkey checks the cookie itself. For a gateway, apt-get install nginx-light',
    );
  }
  const python = cards.find(({ name }) => name === 'python');
  if (lampOf(shown, 'python') !== null || python === undefined) return;
  say(find('#services', 'span'), 'Three');
  say(find('#tokens', 'span'), 'two');
  python.card.dataset['answer'] = 'missing';
  say(find('.answer', 'p', python.card), 'Not here');
  say(
    find('.what', 'p', python.card),
    'A verifier in another language. It needs Python with PyJWT: apt-get install python3-jwt python3-cryptography',
  );
}

/** On a narrow screen there is no room for it in the lamps. */
function showAbout() {
  const list = find('#about', 'dl');
  for (const [index, { card }] of cards.entries()) {
    const row = list.children[index] ?? rowOfAbout(list);
    const textOf = (/** @type {string} */ selector) => card.querySelector(selector)?.textContent ?? '';
    say(find('dt', 'dt', row), textOf('h2'));
    say(find('dd', 'dd', row), `${textOf('.what')} ${textOf('.more')}`.trim());
  }
}

/** @param {HTMLElement} list */
function rowOfAbout(list) {
  const row = document.createElement('div');
  row.append(document.createElement('dt'), document.createElement('dd'));
  list.append(row);
  return row;
}

function show() {
  if (view === null) return;
  showLamps(view);
  showReceipt(view);
  showButtons(view);
  showAbout();
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
  say(find('#link', 'p'), 'Live, on this machine');
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
