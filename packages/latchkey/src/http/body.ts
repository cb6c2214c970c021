import { JsonRefused, parseStrictJson } from '@latchkey/verify';
import { failure, invalid, isFailure } from '../errors.ts';
import type { RequestHead } from '../foundation/header-source.ts';

/** The most that a body may have, in bytes. */
const MAX_BODY = 64 * 1024;

/** A body that was read, before it is held against a schema. */
export interface Body {
  readonly kind: 'none' | 'json' | 'form';
  readonly value: unknown;
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Whether the body is a form's, so that a person and not a program waits for the answer. */
export function isForm(request: RequestHead): boolean {
  return mediaType(request) === 'application/x-www-form-urlencoded';
}

/**
 * Reads a body as JSON or as a form, and refuses what two readers could
 * understand differently.
 *
 * @throws `LK_BODY_TOO_LARGE`, `LK_MEDIA_TYPE_UNSUPPORTED`, `LK_REQUEST_INVALID`.
 */
export async function readBody(request: Request, forms: boolean): Promise<Body> {
  const bytes = await readBytes(request);
  const type = mediaType(request);
  if (bytes.byteLength === 0 && (type === null || type === 'application/json'))
    return { kind: 'none', value: {} };
  if (type === 'application/json') return { kind: 'json', value: parseJson(bytes) };
  if (forms && type === 'application/x-www-form-urlencoded') return { kind: 'form', value: parseForm(bytes) };
  throw failure('LK_MEDIA_TYPE_UNSUPPORTED');
}

/** The media type without parameters, in lower case; `other` for one in a charset that is not UTF-8. */
function mediaType(request: RequestHead): string | null {
  const header = request.headers.get('content-type');
  if (header === null) return null;
  const [type = '', ...parameters] = header.split(';').map((part) => part.trim().toLowerCase());
  const charset = parameters.find((parameter) => parameter.startsWith('charset='));
  return charset === undefined || /^charset="?utf-8"?$/.test(charset) ? type : 'other';
}

async function readBytes(request: Request): Promise<Uint8Array> {
  if (Number(request.headers.get('content-length') ?? 0) > MAX_BODY) throw failure('LK_BODY_TOO_LARGE');
  if (request.body === null) return new Uint8Array();
  const chunks: Uint8Array[] = [];
  let length = 0;
  // The length that a client announces is a claim; what arrives is counted.
  try {
    for await (const chunk of request.body) {
      const bytes: unknown = chunk;
      if (!(bytes instanceof Uint8Array)) throw invalid('', 'the body is no stream of bytes');
      length += bytes.byteLength;
      if (length > MAX_BODY) throw failure('LK_BODY_TOO_LARGE');
      chunks.push(bytes);
    }
  } catch (error) {
    if (isFailure(error)) throw error;
    // The client hung up, or framed the body wrongly: no defect of ours.
    throw invalid('', 'the body did not arrive whole');
  }
  return Buffer.concat(chunks);
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return parseStrictJson(bytes);
  } catch (error) {
    if (error instanceof JsonRefused) throw invalid('', `the body is ${error.reason}`);
    throw error;
  }
}

/** WHATWG URL §5.1, but what is not UTF-8 is refused and not replaced, and no name stands twice. */
function parseForm(bytes: Uint8Array): Record<string, string> {
  const fields = new Map<string, string>();
  try {
    for (const pair of utf8.decode(bytes).split('&')) {
      if (pair === '') continue;
      const at = pair.indexOf('=');
      const name = decode(at === -1 ? pair : pair.slice(0, at));
      if (fields.has(name)) throw invalid('', 'the body is a form in which a field stands twice');
      fields.set(name, at === -1 ? '' : decode(pair.slice(at + 1)));
    }
  } catch (error) {
    if (error instanceof URIError || error instanceof TypeError) throw invalid('', 'the body is not UTF-8');
    throw error;
  }
  return Object.fromEntries(fields);
}

function decode(text: string): string {
  return decodeURIComponent(text.replaceAll('+', ' '));
}
