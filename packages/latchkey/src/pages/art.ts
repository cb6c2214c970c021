import { raw } from 'hono/html';
import { type Html, html } from './markup.ts';

const KEY =
  'M12 10.500a7.500 7.500 0 0 1 7.200 5.500H30a1.500 1.500 0 0 1 1.500 1.500V23a1 1 0 0 1-1 1h-2a1 1 0 0 1-1-1v-3h-2.500v2a1 1 0 0 1-1 1h-2a1 1 0 0 1-1-1v-2h-1.800A7.500 7.500 0 1 1 12 10.500Zm-1 4.750a2.750 2.750 0 1 0 0 5.500 2.750 2.750 0 0 0 0-5.500Z';

/** The mark beside the brand's name: a key on a door plate. */
export const MARK: Html =
  raw(`<svg class="mark" viewBox="0 0 36 36" width="36" height="36" aria-hidden="true" focusable="false">
<rect class="leaf" width="36" height="36" rx="9"/>
<path class="brass" fill-rule="evenodd" d="${KEY}"/>
</svg>`);

/** The mark as a file of its own, for the tab of a browser: its colours are in it. */
export const ICON = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 36 36">
<rect width="36" height="36" rx="9" fill="#14493d"/>
<path fill="#d9b46a" fill-rule="evenodd" d="${KEY}"/>
</svg>
`;

/**
 * The picture beside what leads in or out: a door, closed, its latch in the
 * keeper. It is cut to whatever frame it is put in, from the right, so that the
 * latch is always seen; its colours are the style sheet's.
 */
export const DOOR: Html =
  raw(`<svg class="door" viewBox="0 0 360 640" preserveAspectRatio="xMaxYMid slice" aria-hidden="true" focusable="false">
<rect class="leaf" width="360" height="640"/>
<path class="recess" d="M22 0h108v260H22zM162 0h108v260H162zM22 376h108v264H22zM162 376h108v264H162z"/>
<path class="field-panel" d="M38 0h76v244H38zM178 0h76v244h-76zM38 392h76v248H38zM178 392h76v248h-76z"/>
<path class="shade" d="M22 0V260M162 0V260M22 640V376h108M162 640V376h108"/>
<path class="glint" d="M22 260h108V0M162 260h108V0M130 376v264M270 376v264"/>
<rect class="jamb" x="318" width="42" height="640"/>
<path class="gap" d="M318 0V640"/>
<rect class="brass-low" x="281" y="346" width="24" height="122" rx="12"/>
<circle class="brass" cx="293" cy="368" r="7"/>
<circle class="brass" cx="293" cy="446" r="7"/>
<rect class="brass" x="288" y="362" width="10" height="90" rx="5"/>
<circle class="brass-low" cx="293" cy="506" r="14"/>
<path class="hole" d="M293 498.500a4.500 4.500 0 0 1 2 8.500l2 8h-8l2-8a4.500 4.500 0 0 1 2-8.500Z"/>
<rect class="brass-low" x="330" y="292" width="21" height="52" rx="5"/>
<g class="latch">
<rect class="brass" x="198" y="310" width="144" height="15" rx="4"/>
<circle class="brass-low" cx="198" cy="317.500" r="12"/>
<circle class="hole" cx="198" cy="317.500" r="3"/>
<circle class="brass" cx="293" cy="317.500" r="13"/>
</g>
<path class="brass-low" d="M330 325h16v14h-16z"/>
</svg>`);

/** The same door, whole, in its frame, with a light behind the fan above it. */
export const DOORWAY: Html =
  raw(`<svg class="doorway" viewBox="0 0 400 606" aria-hidden="true" focusable="false">
<path class="jamb" d="M18 594V198a182 182 0 0 1 364 0v396Z"/>
<path class="glass" d="M46 192a154 154 0 0 1 308 0Z"/>
<path class="muntin" d="M200 192L62 112M200 192L120 54M200 192V38M200 192L280 54M200 192L338 112M112 192a88 88 0 0 1 176 0"/>
<path class="jamb" d="M156 192a44 44 0 0 1 88 0Z"/>
<rect class="leaf" x="46" y="212" width="308" height="382"/>
<path class="recess" d="M68 236h98v132H68zM192 236h98v132h-98zM68 448h98v124H68zM192 448h98v124h-98z"/>
<path class="field-panel" d="M81 249h72v106H81zM205 249h72v106h-72zM81 461h72v98H81zM205 461h72v98h-72z"/>
<path class="shade" d="M68 368V236h98M192 368V236h98M68 572V448h98M192 572V448h98"/>
<path class="glint" d="M68 368h98V236M192 368h98V236M68 572h98V448M192 572h98V448"/>
<path class="gap" d="M352 212v382M46 214h308"/>
<rect class="brass-low" x="312" y="428" width="18" height="92" rx="9"/>
<rect class="brass" x="317" y="440" width="8" height="68" rx="4"/>
<circle class="brass-low" cx="321" cy="548" r="10"/>
<path class="hole" d="M321 542.500a3.300 3.300 0 0 1 1.500 6.200l1.500 6h-6l1.500-6a3.300 3.300 0 0 1 1.500-6.200Z"/>
<rect class="brass-low" x="361" y="388" width="15" height="40" rx="4"/>
<g class="latch">
<rect class="brass" x="246" y="402" width="124" height="12" rx="4"/>
<circle class="brass-low" cx="246" cy="408" r="9"/>
<circle class="hole" cx="246" cy="408" r="2.500"/>
<circle class="brass" cx="321" cy="408" r="10"/>
</g>
<path class="brass-low" d="M361 414h12v10h-12z"/>
<rect class="step" x="0" y="594" width="400" height="12" rx="3"/>
</svg>`);

const CUTS = 6;
const FIRST_CUT = 26;
const PITCH = 6;

/**
 * Draws a key whose cuts follow from a session's id, so that a person can tell
 * the rows of a list apart at a glance. A picture of what is public already: a
 * session's id opens nothing without its secret.
 */
export function keyOf(session: string): Html {
  const cuts = Array.from({ length: CUTS }, (_, index) => {
    // The last characters of an id are random; the first ones are its time.
    const code = session.charCodeAt(session.length - 2 - index);
    const depth = 17 - (Number.isNaN(code) ? 0 : code % 5) * 1.25;
    const start = FIRST_CUT + index * PITCH;
    return `L${start + 1.5} ${depth}H${start + 4.5}L${start + PITCH} 17`;
  }).join('');
  return html`<svg class="key" viewBox="0 0 72 24" width="72" height="24" aria-hidden="true" focusable="false">
<path fill-rule="evenodd" d="M12 2a10 10 0 1 0 0 20 10 10 0 0 0 0-20ZM9 8.500a3.500 3.500 0 1 1 0 7 3.500 3.500 0 0 1 0-7Z"/>
<path d="M20 17H${FIRST_CUT}${cuts}H65L70 12.500 65 8H20Z"/>
</svg>`;
}
