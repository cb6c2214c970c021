import { REFERENCE_STYLE } from './style-reference.ts';

/*
 * The colours come from a front door: painted leaf, plaster around it, brass on
 * it. Each is named once and has a value for light and one for dark; a test
 * holds every pair of text and ground to WCAG 2.2 §1.4.3 and §1.4.11.
 */
const COLOURS = `
:root {
  color-scheme: light dark;
  --ground: #eceff0;
  --surface: #ffffff;
  --sunk: #f4f6f6;
  --ink: #15211e;
  --soft: #4b5b57;
  --line: #d3dad9;
  --edge: #74847f;
  --accent: #0f4a3c;
  --accent-over: #0a362c;
  --on-accent: #ffffff;
  --link: #0e5a48;
  --focus: #a3650a;
  --brass-ink: #6d4c0b;
  --brass-ground: #f6ebd2;
  --done-ink: #12523a;
  --done-ground: #e2f2e8;
  --problem-ink: #9c2318;
  --problem-ground: #fdf0ed;
  --leaf: #14493d;
  --recess: #103d33;
  --field: #17503f;
  --glint: #2f6a5a;
  --shade: #0b2c25;
  --jamb: #d0d9d6;
  --gap: #0a241e;
  --brass: #d9b46a;
  --brass-low: #b98f3f;
  --hole: #2a2008;
  --glass: #f4e3b8;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #0e1514;
    --surface: #16201e;
    --sunk: #111a18;
    --ink: #e7edea;
    --soft: #a5b4af;
    --line: #2b3835;
    --edge: #6d7e79;
    --accent: #93d4b9;
    --accent-over: #b2e4cf;
    --on-accent: #06261b;
    --link: #93d4b9;
    --focus: #efb650;
    --brass-ink: #f0cf8c;
    --brass-ground: #362b13;
    --done-ink: #a5dfbf;
    --done-ground: #14301f;
    --problem-ink: #ffb3a6;
    --problem-ground: #3a1a16;
    --leaf: #173f35;
    --recess: #12332b;
    --field: #1a463a;
    --glint: #2d5e51;
    --shade: #0a211b;
    --jamb: #26332f;
    --gap: #071310;
    --brass: #d0aa60;
    --brass-low: #a8823a;
    --hole: #1d1606;
    --glass: #d8b467;
  }
}
`;

const BASE = `
*, *::before, *::after { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body {
  margin: 0;
  min-height: 100vh;
  min-height: 100dvh;
  display: flex;
  flex-direction: column;
  background: var(--ground);
  color: var(--ink);
  font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif;
  overflow-wrap: anywhere;
}
h1, h2, h3, h4, p, ul, dl, dd, pre { margin: 0; padding: 0; }
h1, h2, h3, h4 { line-height: 1.2; text-wrap: balance; font-weight: 650; letter-spacing: -0.012em; }
h1 { font-size: clamp(1.6rem, 1.3rem + 1.4vw, 2.1rem); letter-spacing: -0.022em; }
h2 { font-size: 1.3rem; }
h3 { font-size: 1.05rem; }
ul { list-style: none; }
p { text-wrap: pretty; }
strong { font-weight: 650; }
a { color: var(--link); text-decoration-thickness: 1px; text-underline-offset: 0.2em; }
a:hover { text-decoration-thickness: 2px; }
code, pre { font-family: ui-monospace, "SF Mono", "Cascadia Code", Menlo, Consolas, monospace; font-size: 0.9em; }
time { font-variant-numeric: tabular-nums; }
svg { display: block; }
main:focus { outline: none; }
:focus-visible { outline: 3px solid var(--focus); outline-offset: 3px; border-radius: 4px; }
.soft { color: var(--soft); }
.small { font-size: 0.9rem; }
.unseen {
  position: absolute;
  width: 1px;
  height: 1px;
  overflow: hidden;
  clip-path: inset(50%);
  white-space: nowrap;
}
.skip {
  position: absolute;
  left: 1rem;
  top: -5rem;
  z-index: 1;
  padding: 0.7rem 1.1rem;
  background: var(--surface);
  border: 1px solid var(--edge);
  border-radius: 10px;
}
.skip:focus { top: 0.6rem; }
`;

const FRAME = `
.bar {
  display: flex;
  flex-wrap: wrap;
  align-items: center;
  justify-content: space-between;
  gap: 0 1.5rem;
  max-width: 72rem;
  margin-inline: auto;
  padding: 0.9rem clamp(1rem, 4vw, 2.5rem);
}
.brand {
  display: inline-flex;
  align-items: center;
  gap: 0.7rem;
  min-height: 2.75rem;
  color: var(--ink);
  font-size: 1.1rem;
  font-weight: 650;
  letter-spacing: -0.01em;
  text-decoration: none;
}
.brand:hover span { text-decoration: underline; text-decoration-thickness: 2px; text-underline-offset: 0.25em; }
.mark { flex: none; }
nav[aria-label="Account"] { display: flex; align-items: center; gap: 0.4rem 1.25rem; min-width: 0; }
nav[aria-label="Account"] a { display: inline-flex; align-items: center; min-height: 2.75rem; }
.who {
  max-width: 20rem;
  overflow: hidden;
  color: var(--soft);
  font-size: 0.92rem;
  text-overflow: ellipsis;
  white-space: nowrap;
}
main {
  flex: 1;
  display: flex;
  flex-direction: column;
  gap: 1.5rem;
  width: 100%;
  max-width: 72rem;
  margin-inline: auto;
  padding: clamp(0.75rem, 3vw, 2.5rem) clamp(1rem, 4vw, 2.5rem) 3rem;
}
main.narrow, body:has(main.narrow) .bar { max-width: 61rem; }
.site-footer { padding: 1.25rem 1rem 1.75rem; color: var(--soft); font-size: 0.87rem; text-align: center; }
.card {
  background: var(--surface);
  border: 1px solid var(--line);
  border-radius: 16px;
}
.notice { padding: 0.85rem 1.15rem; border: 1px solid currentcolor; border-radius: 12px; font-weight: 550; }
.notice.done { background: var(--done-ground); color: var(--done-ink); }
.notice.problem { background: var(--problem-ground); color: var(--problem-ink); }
.badge {
  display: inline-block;
  padding: 0.1rem 0.6rem;
  background: var(--brass-ground);
  border: 1px solid transparent;
  border-radius: 99px;
  color: var(--brass-ink);
  font-size: 0.82rem;
  font-weight: 600;
  letter-spacing: 0;
  line-height: 1.5;
}
.leaf { fill: var(--leaf); }
.recess { fill: var(--recess); }
.field-panel { fill: var(--field); }
.jamb { fill: var(--jamb); }
.brass { fill: var(--brass); }
.brass-low { fill: var(--brass-low); }
.hole { fill: var(--hole); }
.glass { fill: var(--glass); }
.step { fill: var(--line); }
.glint, .shade, .gap, .muntin { fill: none; stroke-width: 2; }
.glint { stroke: var(--glint); }
.shade { stroke: var(--shade); }
.gap { stroke: var(--gap); stroke-width: 4; }
.muntin { stroke: var(--jamb); stroke-width: 7; }
.door { width: 100%; height: 100%; }
.door .latch { transform-origin: 198px 317.5px; }
.doorway .latch { transform-origin: 246px 408px; }
`;

/*
 * In a window of 50rem the longest form, with an error, is seen whole; from there up to 70rem each
 * distance grows to its full size.
 */
const AIR = `
@media (min-width: 50rem) {
  body:has(main.narrow) .bar { padding-block: clamp(0.35rem, 2.75vh - 1.025rem, 0.9rem); }
  body:has(main.narrow) .site-footer { padding-block: clamp(0.4rem, 5.5vh - 2.35rem, 1.5rem); }
  main.narrow { padding-block: clamp(0.5rem, 10vh - 4.5rem, 2.5rem) clamp(0.75rem, 11.25vh - 4.875rem, 3rem); }
  .entry { min-height: clamp(36rem, 100vh - 8rem, 44rem); }
  .entry:has(.field + .field + .field) {
    .entry-body { padding-block: clamp(1rem, 11.25vh - 4.625rem, 3.25rem); }
    .entry-body, .stack { gap: clamp(1.15rem, 1vh + 0.65rem, 1.35rem); }
  }
  .entry:has(.summary):has(.field + .field + .field) {
    .entry-body, .stack { gap: clamp(0.65rem, 3.5vh - 1.1rem, 1.35rem); }
    h1 { font-size: clamp(1.6rem, 2.5vh + 0.35rem, 2.1rem); }
    .summary { padding-block: clamp(0.5rem, 2.25vh - 0.625rem, 0.95rem); }
    .field input, .stack > button { min-height: clamp(2.75rem, 1.25vh + 2.125rem, 3rem); }
    label, .small { line-height: 1.4; }
  }
}
`;

const FORMS = `
button, .button {
  display: inline-flex;
  align-items: center;
  justify-content: center;
  min-height: 2.75rem;
  padding: 0.55rem 1.15rem;
  background: var(--surface);
  border: 1px solid var(--edge);
  border-radius: 10px;
  color: var(--ink);
  font: inherit;
  font-weight: 600;
  line-height: 1.25;
  text-align: center;
  text-decoration: none;
  cursor: pointer;
}
button:hover, .button:hover { background: var(--sunk); border-color: var(--ink); }
button:focus-visible, .button:focus-visible { border-radius: 10px; }
button.primary, .button.primary { background: var(--accent); border-color: var(--accent); color: var(--on-accent); }
button.primary:hover, .button.primary:hover { background: var(--accent-over); border-color: var(--accent-over); }
button.danger { color: var(--problem-ink); border-color: var(--problem-ink); }
button.danger:hover { background: var(--problem-ground); border-color: var(--problem-ink); }
button.plain {
  padding-inline: 0;
  background: none;
  border-color: transparent;
  color: var(--link);
  font-weight: 400;
  text-decoration: underline 1px;
  text-underline-offset: 0.2em;
}
button.plain:hover { background: none; border-color: transparent; text-decoration-thickness: 2px; }
.actions { display: flex; flex-wrap: wrap; gap: 0.75rem; }
.entry { display: grid; overflow: hidden; }
.entry-art { height: clamp(6rem, 22vw, 10rem); overflow: hidden; }
.entry-body { display: flex; flex-direction: column; gap: 1.35rem; padding: clamp(1.4rem, 6vw, 3.25rem); }
.lead { color: var(--soft); font-size: 1.05rem; }
.stack { display: flex; flex-direction: column; gap: 1.35rem; }
.stack > button { width: 100%; min-height: 3rem; }
.field { display: flex; flex-direction: column; gap: 0.35rem; }
.field label { font-weight: 600; }
.field label .soft { font-weight: 400; }
.hint { color: var(--soft); font-size: 0.92rem; line-height: 1.45; }
.field-error { color: var(--problem-ink); font-size: 0.95rem; font-weight: 600; line-height: 1.45; }
.field input {
  width: 100%;
  min-height: 3rem;
  margin-top: 0.15rem;
  padding: 0.6rem 0.85rem;
  background: var(--surface);
  border: 1px solid var(--edge);
  border-radius: 10px;
  color: inherit;
  font: inherit;
}
.field input:hover { border-color: var(--ink); }
.field input:focus-visible { outline-offset: 1px; border-radius: 10px; }
.field input[aria-invalid="true"] { border: 2px solid var(--problem-ink); }
.summary {
  padding: 0.95rem 1.15rem;
  background: var(--problem-ground);
  border: 1px solid var(--problem-ink);
  border-left-width: 6px;
  border-radius: 10px;
}
.summary-title { color: var(--problem-ink); font-weight: 650; }
.summary ul { margin-top: 0.15rem; }
.summary a { display: inline-block; padding-block: 0.15rem; color: var(--problem-ink); }
.other-way a { display: inline-block; padding-block: 0.6rem; margin-block: -0.6rem; font-weight: 600; }
@media (min-width: 50rem) {
  .entry { grid-template-columns: 5fr 7fr; }
  .entry-art { height: auto; position: relative; }
  .entry-art .door { position: absolute; inset: 0; }
  .entry-body { justify-content: center; }
}
${AIR}@media (prefers-reduced-motion: no-preference) {
  button, .button, .field input { transition: background-color 120ms, border-color 120ms; }
  .latch { transition: transform 260ms cubic-bezier(0.3, 1.5, 0.6, 1); }
  .entry:has(.primary:hover, .primary:focus-visible) .latch,
  .hero:has(.primary:hover, .primary:focus-visible) .latch { transform: rotate(-9deg); }
}
`;

const PAGES = `
.account { display: grid; gap: 1.75rem; }
.identity { display: flex; flex-direction: column; gap: 1.25rem; align-self: start; padding: clamp(1rem, 3vw, 1.25rem); }
.nameplate { position: relative; padding: 1rem 2rem; background: var(--brass-ground); border: 1px solid var(--brass-low); border-radius: 10px; }
.nameplate::before, .nameplate::after { content: ""; position: absolute; top: calc(50% - 4px); width: 8px; height: 8px; border-radius: 50%; background: var(--brass-low); }
.nameplate::before { left: 0.75rem; }
.nameplate::after { right: 0.75rem; }
.nameplate h2 { font-size: 1.2rem; text-wrap: wrap; }
.nameplate p { color: var(--brass-ink); font-size: 0.95rem; }
.facts { display: grid; gap: 0.6rem 1.5rem; }
.facts dt { color: var(--soft); font-size: 0.87rem; }
.section-head { display: flex; flex-wrap: wrap; align-items: end; justify-content: space-between; gap: 0.9rem 1.5rem; }
.section-head > div { flex: 1 1 16rem; }
.section-head p { margin-top: 0.3rem; }
.session-list { display: grid; gap: 0.85rem; margin-block: 1.1rem; }
.session { display: grid; grid-template-columns: 1fr auto; gap: 0.9rem 1.25rem; align-items: center; padding: 1.15rem clamp(1rem, 3vw, 1.5rem); }
.session h3 { display: flex; flex-wrap: wrap; align-items: center; gap: 0.4rem 0.7rem; min-width: 0; }
.session .facts, .session form { grid-column: 1 / -1; }
.session .facts > div { display: grid; grid-template-columns: 5.5rem 1fr; align-items: baseline; }
.key { fill: var(--edge); }
.current .key { fill: var(--brass-low); }
.session.current { border-color: var(--brass-low); }
.hero { display: grid; gap: 2rem 4rem; align-items: center; }
.hero > div:first-child { display: flex; flex-direction: column; gap: 1.5rem; }
.hero h1 { font-size: clamp(2.1rem, 1.4rem + 3.6vw, 3.6rem); line-height: 1.08; letter-spacing: -0.032em; }
.hero .lead { max-width: 36rem; font-size: 1.12rem; }
.doorway { width: 100%; max-width: 13rem; height: auto; margin-inline: auto; }
.developers { display: grid; gap: 1.25rem 4rem; margin-top: clamp(1rem, 4vw, 3rem); padding-top: 2rem; border-top: 1px solid var(--line); }
.developers > div { display: flex; flex-direction: column; gap: 0.85rem; }
pre { padding: 1.1rem 1.25rem; background: var(--surface); border: 1px solid var(--line); border-radius: 12px; font-size: 0.86rem; white-space: pre-wrap; }
pre code { font-size: inherit; }
@media (min-width: 50rem) {
  .account { grid-template-columns: minmax(17rem, 5fr) 12fr; }
  .session { grid-template-columns: auto 1fr auto; gap: 0.6rem 1.25rem; }
  .session .key { order: -1; }
  .session form { grid-area: 1 / 3; }
  .session .facts { grid-column: 2 / -1; }
  .hero { grid-template-columns: 1fr minmax(16rem, 22rem); min-height: 30rem; }
  .doorway { max-width: 22rem; }
  .developers { grid-template-columns: 1fr 1fr; align-items: center; }
}
@media (min-width: 70rem) {
  .session .facts { gap: 1.1rem; grid-template-columns: 11.75rem 11.75rem 1fr; font-size: 0.94rem; }
  .session .facts > div { display: block; }
}
@media (max-width: 39.99rem) {
  pre { padding: 1rem; font-size: 0.75rem; }
  .who { display: none; }
  .actions > *, .actions button, .section-head form, .section-head button, .session form button { width: 100%; }
}
@media (forced-colors: active) {
  .badge, .method, .code { border-color: currentcolor; }
  .key { fill: CanvasText; }
  button.plain { padding-inline: 0.75rem; }
}
`;

/**
 * The one style sheet of the pages. It asks for nothing further: no font, no
 * picture, no other sheet.
 */
export const STYLE: string = `${COLOURS}${BASE}${FRAME}${FORMS}${PAGES}${REFERENCE_STYLE}`.trimStart();
