import type { Timestamp } from '@latchkey/verify';
import { type Html, html } from './markup.ts';

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/**
 * Writes a point in time for people and for machines (RFC 3339). In UTC and
 * saying so: without a script the server cannot know the reader's own zone.
 */
export function time(at: Timestamp): Html {
  const date = new Date(at);
  const day = `${date.getUTCDate()} ${MONTHS[date.getUTCMonth()] ?? ''} ${date.getUTCFullYear()}`;
  const minute = date.toISOString().slice(11, 16);
  return html`<time datetime="${date.toISOString()}">${day}, ${minute} UTC</time>`;
}
