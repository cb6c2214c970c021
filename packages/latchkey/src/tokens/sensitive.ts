/**
 * What does not belong into a token, which whoever holds it can read: found by
 * the name of a claim, and by the look of a value. Shared by what issues tokens
 * and by `latchkey inspect`. Every function is total, and its time grows with
 * the length of what it reads and no faster (ASVS 5.0 1.3.12).
 *
 * @module
 */

/**
 * Phrases, written as one word, by what they name. A name is held against them
 * word by word, so that `spin`, `cardinality` and `tenant` hold none of them.
 */
const NAMED: Readonly<Record<string, string>> = {
  'an e-mail address': 'email mail emailaddress emailid',
  'a telephone number':
    'phone telephone phonenumber telephonenumber mobilenumber mobilephone cellphone cellnumber fax msisdn',
  'a password': 'password passwd passphrase passcode pwd pswd',
  'a one-time code or a PIN':
    'pin pincode otp totp onetimecode recoverycode backupcode verificationcode securityanswer',
  'a secret': 'secret clientsecret totpseed seedphrase mnemonic',
  'a credential':
    'token accesstoken refreshtoken idtoken sessiontoken csrftoken authtoken jwt apikey accesskey authkey credentials',
  'a private key': 'privatekey secretkey signingkey encryptionkey',
  'a number by which a state or an authority knows a person':
    'ssn socialsecurity socialsecuritynumber nationalid nationalidnumber passport passportnumber taxid taxnumber driverlicense driverslicense drivinglicence',
  'a payment card':
    'card cardnumber creditcard debitcard paymentcard cvv cvc cvvcode cvccode securitycode cardholder',
  'a bank account': 'iban bankaccount bankaccountnumber accountnumber routingnumber sortcode',
  'where somebody is': 'address street streetaddress homeaddress postaladdress postcode postalcode zipcode',
  'when or where somebody was born': 'birth birthdate birthday birthplace birthyear dateofbirth dob',
  'the name of a person':
    'fullname firstname lastname middlename givenname familyname maidenname surname forename nickname displayname realname legalname',
  'what somebody is or believes': 'gender ethnicity religion maritalstatus diagnosis',
};

/** Too common as a part of harmless names (`plan_name`, `mobile_app`) to count as one. */
const NAMED_WHOLE: Readonly<Record<string, string>> = {
  'the name of a person': 'name',
  'a telephone number': 'mobile tel',
  'a credential': 'cookie bearer',
  'a payment card': 'pan',
};

/** Last words with which a name says something about such a thing, and not the thing. */
const SAID_ABOUT = new Set(
  'verified verification enabled disabled required expired changed confirmed optional allowed present set count version type use kind format status method methods limit quota policy age at'.split(
    ' ',
  ),
);

/** First words with which a name asks a question: `has_password`. */
const ASKS = new Set('is has can may must needs requires allow allows was'.split(' '));

const PHRASES = byPhrase(NAMED);
const WHOLE = byPhrase(NAMED_WHOLE);
const MOST_WORDS = 4;

function byPhrase(table: Readonly<Record<string, string>>): ReadonlyMap<string, string> {
  return new Map(
    Object.entries(table).flatMap(([why, phrases]) => phrases.split(' ').map((phrase) => [phrase, why])),
  );
}

/**
 * Says what a claim of this name would hold, or `null` where nothing speaks
 * against it. Whole words count, in any spelling (`phone_number`, `phoneNumber`,
 * `PHONE-NUMBER`, `phonenumber`, plurals, `https://example.com/phone`), but not
 * where the name only says something about the thing: `email_verified`,
 * `has_password`, `token_use`. Names of people are personal data like the rest.
 */
export function sensitiveName(name: string): string | null {
  const words = wordsOf(name);
  const joined = words.join('');
  const whole = WHOLE.get(joined) ?? PHRASES.get(joined);
  if (whole !== undefined) return whole;
  if (SAID_ABOUT.has(words.at(-1) ?? '') || ASKS.has(words[0] ?? '')) return null;
  for (let start = 0; start < words.length; start += 1) {
    let phrase = '';
    for (const word of words.slice(start, start + MOST_WORDS)) {
      phrase += word;
      const why =
        PHRASES.get(phrase) ??
        singularsOf(phrase)
          .map((one) => PHRASES.get(one))
          .find(Boolean);
      if (why !== undefined) return why;
    }
  }
  return null;
}

/** Nobody declares a claim with a longer name. */
const LONGEST_NAME = 256;

/** The words of a name in lower case, without numbers and, in a URI, without the place. */
function wordsOf(name: string): readonly string[] {
  const local = name.includes('://')
    ? name.slice(Math.max(name.lastIndexOf('/'), name.lastIndexOf('#')))
    : name;
  return local
    .slice(0, LONGEST_NAME)
    .normalize('NFKC')
    .replace(/(\p{Ll})(\p{Lu})/gu, '$1 $2')
    .replace(/(\p{Lu})(\p{Lu}\p{Ll})/gu, '$1 $2')
    .toLowerCase()
    .split(/[^\p{L}]+/u)
    .filter((word) => word !== '');
}

function singularsOf(phrase: string): readonly string[] {
  if (phrase.endsWith('es')) return [phrase.slice(0, -1), phrase.slice(0, -2)];
  return phrase.endsWith('s') ? [phrase.slice(0, -1)] : [];
}

/**
 * Says what a value holds, as deep as it goes, keys of objects included, or
 * `null`: an e-mail address, a JWT, a PEM block, a hash of a password, an API
 * key. The answer never repeats any of the value.
 */
export function sensitiveValue(value: unknown): string | null {
  return firstOf(value, sensitiveText);
}

/**
 * Says what number of a person a value holds, as deep as it goes, or `null`: a
 * telephone number, a payment card, a bank account. Other numbers can look the
 * same, so these are reported and not refused: one order number in ten passes
 * the check of a card.
 */
export function personalNumber(value: unknown): string | null {
  return firstOf(value, numberIn);
}

function firstOf(value: unknown, judge: (text: string) => string | null): string | null {
  for (const text of textsOf(value)) {
    const why = judge(text);
    if (why !== null) return why;
  }
  return null;
}

/** Every string, number and key in a value, without recursion, each object once. */
function* textsOf(value: unknown): Generator<string> {
  const seen = new Set<object>();
  const left: unknown[] = [value];
  while (left.length > 0) {
    const next = left.pop();
    if (typeof next === 'string') yield next;
    else if (typeof next === 'number' || typeof next === 'bigint') yield String(next);
    else if (typeof next === 'object' && next !== null && !seen.has(next)) {
      seen.add(next);
      for (const [key, inner] of entriesOf(next)) {
        if (!Array.isArray(next)) yield key;
        left.push(inner);
      }
    }
  }
}

/** Nothing where reading throws: a serialiser would throw too, and then there is no token. */
function entriesOf(value: object): readonly (readonly [string, unknown])[] {
  try {
    return Object.entries(value);
  } catch {
    return [];
  }
}

function sensitiveText(text: string): string | null {
  if (/-----BEGIN [A-Z0-9 ]{1,40}-----/.test(text)) return 'a PEM block';
  if (PASSWORD_HASH.test(text)) return 'a hash of a password';
  if (API_KEY.test(text)) return 'an API key or another credential';
  if (hasJwt(text)) return 'a JWT';
  return EMAIL_ADDRESS.test(text) ? 'an e-mail address' : null;
}

/** The PHC string format, its elders of `crypt`, and what Django and LDAP write. */
const PASSWORD_HASH = new RegExp(
  [
    String.raw`\$(?:argon2(?:id|i|d)|scrypt|balloon|bcrypt(?:-sha256)?|pbkdf2(?:-[a-z0-9]{1,12})?)\$[A-Za-z0-9+/.=,$-]{8}`,
    String.raw`\$2[abxy]?\$\d\d\$[./A-Za-z0-9]{22}`,
    String.raw`\$(?:1|5|6|7|y|gy|apr1)\$[./A-Za-z0-9=,]{1,64}\$(?:[./A-Za-z0-9]{1,64}\$)?[./A-Za-z0-9]{20}`,
    String.raw`(?:pbkdf2_sha(?:1|256|512)|bcrypt_sha256|argon2|scrypt)\$[A-Za-z0-9$=,.-]{8}`,
    String.raw`\{(?:S?SHA(?:256|384|512)?|S?MD5|CRYPT)\}[A-Za-z0-9+/$.]{16}`,
  ].join('|'),
);

/** Keys whose issuers gave them a prefix so that they can be found; the first ones are Latchkey's. */
const API_KEY = new RegExp(
  `(?<![A-Za-z0-9])(?:${[
    String.raw`lk[a-z]_[A-Za-z0-9_-]{20}`,
    String.raw`[sr]k_(?:live|test)_[A-Za-z0-9]{10}`,
    String.raw`whsec_[A-Za-z0-9+/]{16}`,
    String.raw`(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}`,
    String.raw`gh[pousr]_[A-Za-z0-9]{30}`,
    String.raw`github_pat_[A-Za-z0-9_]{20}`,
    String.raw`gl(?:pat|ptt|dt|rt|cbt)-[A-Za-z0-9_-]{20}`,
    String.raw`xox[abeoprs]-[A-Za-z0-9-]{10}`,
    String.raw`xapp-\d-[A-Z0-9]{8}`,
    String.raw`sk-(?:ant-|proj-|svcacct-)?[A-Za-z0-9_-]{32}`,
    String.raw`AIza[A-Za-z0-9_-]{35}`,
    String.raw`ya29\.[A-Za-z0-9_-]{20}`,
    String.raw`GOCSPX-[A-Za-z0-9_-]{20}`,
    String.raw`npm_[A-Za-z0-9]{36}`,
    String.raw`pypi-[A-Za-z0-9_-]{40}`,
    String.raw`SG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{20}`,
    String.raw`hf_[A-Za-z0-9]{30}`,
    String.raw`do[opr]_v1_[a-f0-9]{40}`,
    String.raw`shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}`,
    String.raw`sq0[a-z]{3}-[A-Za-z0-9_-]{22}`,
    String.raw`(?:hvs|hvb)\.[A-Za-z0-9_-]{24}`,
    String.raw`AGE-SECRET-KEY-1[A-Z0-9]{30}`,
  ].join('|')})`,
);

/** Two or four dots between pieces of base64url, the first of which is a JOSE header. */
function hasJwt(text: string): boolean {
  // Only where such a run begins, so that none is looked at twice.
  const candidates = text.matchAll(/(?<![\w-])(e[\w-]{7,})\.[\w-]*\.[\w-]*/g);
  for (const [, first = ''] of candidates) {
    const header = Buffer.from(first.slice(0, 4_096), 'base64url').toString('latin1');
    if (/"(?:alg|enc|typ)"/.test(header)) return true;
  }
  return false;
}

/**
 * RFC 5322 §3.2.3, with letters of any script (RFC 6531 §3.3), before an `@` that
 * may be percent-encoded; behind it two labels or more, the last one of letters:
 * `pkg@1.2.3` is no address.
 */
const EMAIL_ADDRESS =
  /[\p{L}\p{N}\p{M}!#$&'*+\-/=?^_`{|}~."](?:@|%40)(?:[\p{L}\p{N}\p{M}-]{1,63}\.)+(?:xn--[a-z0-9-]{2}|\p{L}{2})/iu;

function numberIn(text: string): string | null {
  if (isTelephone(text)) return 'a telephone number';
  if (hasCardNumber(text)) return 'the number of a payment card';
  return hasIban(text) ? 'the number of a bank account' : null;
}

/** ITU-T E.164, RFC 3966, and the North American way to write one; the whole text, since digits alone say nothing. */
function isTelephone(text: string): boolean {
  if (text.length > 40) return false;
  const bare = text.trim().replace(/^tel:/i, '');
  if (/^\(?\d{3}\)?[ .-]\d{3}[ .-]\d{4}$/.test(bare)) return true;
  return /^\+[\d ().\-/]+$/.test(bare) && /^\d{8,15}$/.test(bare.replace(/\D/g, ''));
}

/** Prefix and length of the great networks (ISO/IEC 7812). */
const CARD =
  /^(?:4\d{12}(?:\d{3}){0,2}|5[1-5]\d{14}|222[1-9]\d{12}|22[3-9]\d{13}|2[3-6]\d{14}|27[01]\d{13}|2720\d{12}|3[47]\d{13}|3(?:0[0-5]|[68]\d)\d{11}|6(?:011|5\d\d|4[4-9]\d)\d{12}|62\d{14,17}|35(?:2[89]|[3-8]\d)\d{12})$/;

function hasCardNumber(text: string): boolean {
  for (const [run] of text.matchAll(/(?<![\d.])\d(?:[ -]?\d)*/g)) {
    if (run.length > 37) continue;
    const digits = run.replace(/\D/g, '');
    if (CARD.test(digits) && passesLuhn(digits)) return true;
  }
  return false;
}

/** ISO/IEC 7812-1, annex B. */
function passesLuhn(digits: string): boolean {
  const sum = [...digits].toReversed().reduce((total, digit, index) => {
    const value = Number(digit) * (index % 2 === 0 ? 1 : 2);
    return total + (value > 9 ? value - 9 : value);
  }, 0);
  return sum % 10 === 0;
}

function hasIban(text: string): boolean {
  const spaced = text.length <= 48 ? [text.replace(/\s/g, '')] : [];
  const words = [...text.matchAll(/(?<![A-Za-z0-9])[A-Z]{2}\d{2}[A-Z0-9]{11,30}(?![A-Za-z0-9])/g)];
  return [...spaced, ...words.map(([word]) => word)].some(isIban);
}

/** ISO 13616-1: the first four behind the rest, letters as numbers, and 1 left over of 97. */
function isIban(text: string): boolean {
  if (!/^[A-Z]{2}\d{2}[A-Z0-9]{11,30}$/i.test(text)) return false;
  const moved = (text.slice(4) + text.slice(0, 4)).toUpperCase();
  const left = [...moved].reduce((rest, character) => {
    const value = Number.parseInt(character, 36);
    return (rest * (value > 9 ? 100 : 10) + value) % 97;
  }, 0);
  return left === 1;
}
