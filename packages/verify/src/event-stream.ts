import { FeedRefused } from './byte-reader.ts';

/** An event of a stream, with the two fields that the feed uses. */
export interface StreamEvent {
  readonly event: string;
  readonly data: string;
}

/** In characters: an entry is some hundred. */
const MOST_LINE = 1_024;
const MOST_DATA = 4_096;

/**
 * Reads server-sent events (HTML Living Standard §9.2.6) as the feed sends them. Lines end
 * with LF or CRLF. What no entry needs is not held: a line or an event above its bound ends
 * the stream.
 *
 * @throws {FeedRefused} for those.
 */
export async function* readEvents(body: AsyncIterable<Uint8Array>): AsyncGenerator<StreamEvent> {
  const decoder = new TextDecoder('utf-8', { fatal: false });
  let rest = '';
  let event = '';
  let data = '';
  for await (const piece of body) {
    const lines = (rest + decoder.decode(piece, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > MOST_LINE) throw new FeedRefused('a line of the stream is too long');
    for (const whole of lines) {
      const line = whole.endsWith('\r') ? whole.slice(0, -1) : whole;
      if (line.length > MOST_LINE) throw new FeedRefused('a line of the stream is too long');
      if (line === '') {
        if (data !== '') yield { event: event === '' ? 'message' : event, data };
        event = '';
        data = '';
        continue;
      }
      const [field, value] = fieldOf(line);
      if (field === 'event') event = value;
      if (field === 'data') data = data === '' ? value : `${data}\n${value}`;
      if (data.length > MOST_DATA) throw new FeedRefused('an event of the stream is too long');
    }
  }
}

/** A comment has the empty name. */
function fieldOf(line: string): readonly [name: string, value: string] {
  const colon = line.indexOf(':');
  if (colon === -1) return [line, ''];
  const value = line.slice(colon + 1);
  return [line.slice(0, colon), value.startsWith(' ') ? value.slice(1) : value];
}
