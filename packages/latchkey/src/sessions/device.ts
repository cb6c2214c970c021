import Bowser from 'bowser';

const MAX_LABEL = 60;
/** What a browser sends is shorter; the rest is somebody's joke. */
const MAX_USER_AGENT = 512;

/** A label for people of what a request came from, such as "Firefox on Linux": no identity, since anyone can send anything. */
export function deviceLabel(userAgent: string | null): string | null {
  if (userAgent === null || userAgent === '') return null;
  const { browser, os } = Bowser.parse(userAgent.slice(0, MAX_USER_AGENT));
  const label = [browser.name, os.name].filter((name) => name !== undefined && name !== '').join(' on ');
  const plain = label.replaceAll(/[^\x20-\x7e]/g, '').slice(0, MAX_LABEL);
  return plain === '' ? null : plain;
}
