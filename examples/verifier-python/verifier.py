"""A service that verifies Latchkey's access tokens and follows its revocations, in Python.

Written from docs/feed.md alone, with the standard library and PyJWT (with cryptography).

    ISSUER=http://localhost:3000 AUDIENCE=orders CLIENT_KEY=lks_... PORT=8000 python3 verifier.py

GET / with a token answers 200 with its claims, 401 or 503; GET /status says how fresh the copy is.
"""
import base64, hashlib, json, os, random, secrets, struct, sys, threading, time
import urllib.error, urllib.parse, urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import jwt

KINDS = {1: "revoke", 2: "changed"}
SCOPES = {1: "session", 2: "user", 3: "client", 4: "organisation", 5: "api_key", 6: "signing_key", 7: "all"}
CODES = {name: code for code, name in SCOPES.items()}
LEEWAY, MOST_HINTS = 30.0, 10_000
OWN = {"iss", "aud", "sub", "sid", "client_id", "iat", "exp", "nbf", "jti", "acr", "amr", "auth_time", "rs"}


def decode(text): return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
def named(kind, name): return hashlib.sha256(kind.encode() + b"\0" + name.encode()).digest()[:16]


def hashed(salt, scope, subject):
    return b"" if scope == "all" else hashlib.sha256(salt + bytes([CODES[scope]]) + subject).digest()[:16]


def read_snapshot(data):
    """Reads all of a snapshot before any of it is used; ValueError or struct.error where it is none."""
    magic, version, sections, reserved, salt, epoch_start, head, tag, now, length = struct.unpack_from("<8sHHI16sQQQQH", data)
    if magic != b"LKREVLOG" or version != 1 or reserved != 0: raise ValueError("no snapshot of this version")
    epoch, at, before, slots = data[72:72 + length].decode("ascii"), 72 + -(-length // 8) * 8, (0, 0), {}
    for _ in range(sections):
        kind, scope, _, count = struct.unpack_from("<BBHI", data, at)
        if (kind, scope) <= before: raise ValueError("sections out of order")
        before, at = (kind, scope), at + 8
        subjects = [data[at + 16 * i:at + 16 * (i + 1)] for i in range(count)]
        if any(one >= other for one, other in zip(subjects, subjects[1:])): raise ValueError("subjects out of order")
        seqs = struct.unpack_from(f"<{count}Q", data, at + 16 * count)
        expiries = struct.unpack_from(f"<{count}I", data, at + 24 * count)
        at += 24 * count + -(-4 * count // 8) * 8
        if kind in KINDS and scope in SCOPES:
            for subject, seq, expires in zip(subjects, seqs, expiries):
                slots[KINDS[kind], SCOPES[scope], b"" if scope == 7 else subject] = (seq, expires)
    if at != len(data): raise ValueError("cut off, or something follows")
    return {"salt": salt, "epoch": epoch, "epoch_start": epoch_start, "head": head, "tag": tag, "slots": slots}


class Copy:
    """The live entries of the log, and how old they are."""

    def __init__(self):
        self.lock, self.slots, self.hints = threading.RLock(), {}, []
        self.salt, self.cursor, self.epoch_start = b"", ("", 0, 0), 0
        self.confirmed, self.offset, self.max_staleness, self.origin = None, 0.0, 0.0, None

    def _add(self, slots, key, seq, expires):
        old = slots.get(key, (0, 0))
        slots[key] = (max(old[0], seq), max(old[1], expires))

    def load(self, snapshot):
        """Takes in a snapshot; what is held stays, where the salt is the same. False where it is behind."""
        with self.lock:
            if snapshot["salt"] != self.salt: self.slots, self.hints, self.confirmed = {}, [], None
            elif snapshot["epoch"] == self.cursor[0] and snapshot["head"] < self.cursor[2]: return False
            for key, (seq, expires) in snapshot["slots"].items(): self._add(self.slots, key, seq, expires)
            if snapshot["epoch"] != self.cursor[0]: self.confirmed = None
            self.salt, self.epoch_start = snapshot["salt"], snapshot["epoch_start"]
            self.cursor = (snapshot["epoch"], snapshot["tag"], snapshot["head"])
            return True

    def apply(self, answer, asked, sent_monotonic, sent_wall):
        """Takes in the answer to a pull; False where the snapshot has to be loaded."""
        with self.lock:
            usable = answer["entries"] is not None and answer["epoch"] == asked[0] and answer["head"] >= asked[2]
            if not usable or decode(answer["salt"]) != self.salt: return False
            for seq, kind, scope, subject, expires in answer["entries"]:
                if kind in KINDS.values() and scope in CODES: self._add(self.slots, (kind, scope, decode(subject)), seq, expires)
            self.cursor, self.epoch_start = (answer["epoch"], answer["tag"], answer["head"]), answer["epoch_start"]
            age, self.max_staleness = answer["age_ms"] / 1000, answer["max_staleness_ms"] / 1000
            self.confirmed, self.offset = (sent_monotonic - age, sent_wall - age), answer["now"] - time.time()
            self.hints = [hint for hint in self.hints if hint[2] > answer["head"] and hint[0] >= sent_monotonic - age]
            self.origin = self.origin or (answer["now"], sent_monotonic)
            passed = min(answer["now"], self.origin[0] + sent_monotonic - self.origin[1])
            self.slots = {key: slot for key, slot in self.slots.items() if slot[1] > passed}
            return True

    def hint(self, entry):
        seq, kind, scope, subject, _ = entry
        with self.lock:
            if len(self.hints) < MOST_HINTS: self.hints.append((time.monotonic(), (kind, scope, decode(subject)), seq))

    def clock_stepped_back(self):
        if self.confirmed is None: return False
        return (time.monotonic() - self.confirmed[0]) - (time.time() - self.confirmed[1]) > LEEWAY

    def age(self):
        if self.confirmed is None: return float("inf")
        return max(time.monotonic() - self.confirmed[0], time.time() - self.confirmed[1])

    def fresh(self):
        return self.age() < self.max_staleness and abs(self.offset) <= LEEWAY and not self.clock_stepped_back()

    def judge(self, claims, kid):
        """Revoked, unknown, stale or good, in the order of docs/feed.md."""
        with self.lock:
            rs, sid = claims.get("rs"), claims.get("sid")
            subjects = {"signing_key": named("signing_key", kid), "client": named("client", claims["client_id"]), "all": None}
            if sid is not None: subjects.update(session=decode(sid), user=decode(claims["sub"]))
            seqs = {}
            for scope, subject in subjects.items():
                for kind in KINDS.values():
                    key = (kind, scope, hashed(self.salt, scope, subject))
                    hinted = [seq for _, hint, seq in self.hints if hint == key]
                    seqs[kind, scope] = max([self.slots.get(key, (-1, 0))[0], *hinted])
            newer = lambda kind, *scopes: rs is not None and any(seqs.get((kind, scope), -1) > rs for scope in scopes)
            if seqs.get(("revoke", "session"), -1) >= 0 or seqs["revoke", "signing_key"] >= 0: return "revoked"
            if newer("revoke", "all", "user", "client"): return "revoked"
            if not self.fresh() or rs is None or not self.epoch_start <= rs <= self.cursor[2]: return "unknown"
            return "stale" if newer("changed", "all", "user", "client", "session") else "good"


class Feed:
    """Keeps a copy up to date: a pull each second and after hints, the snapshot where it must."""

    def __init__(self, url, key, copy):
        self.url, self.copy, self.follower = url, copy, base64.urlsafe_b64encode(secrets.token_bytes(16)).decode().rstrip("=")
        self.headers, self.wake, self.said = {"Authorization": f"Bearer {key}"}, threading.Event(), None

    def call(self, path, body=None, timeout=2.0, **headers):
        data = None if body is None else json.dumps(body).encode()
        if data is not None: headers["Content-Type"] = "application/json"
        return OPENER.open(urllib.request.Request(self.url + path, data, {**self.headers, **headers}), timeout=timeout)

    def load(self):
        with self.call("/auth/feed/snapshot", timeout=30.0, Accept="application/vnd.latchkey.revlog") as answer:
            return self.copy.load(read_snapshot(answer.read()))

    def pull(self):
        asked, sent = self.copy.cursor, (time.monotonic(), time.time())
        fields = {"epoch": asked[0], "tag": asked[1], "after": asked[2], "follower": self.follower}
        with self.call("/auth/feed/pull", fields) as answer: body = json.load(answer)
        # What is answered too late is thrown away.
        return time.monotonic() - sent[0] < 2.0 and self.copy.apply(body, asked, *sent)

    def follow(self):
        missed = 0
        while True:
            pause = 1.0
            try:
                if missed > 0 or self.copy.cursor[0] == "" or self.copy.clock_stepped_back(): self.load()
                missed = 0 if self.pull() else missed + 1
                if missed > 0: pause = 0.0 if missed == 1 else min(10.0, 2.0 ** (missed - 2))
                self.say(None)
            except (urllib.error.URLError, OSError, ValueError, KeyError, struct.error) as error:
                self.say("the issuer refuses CLIENT_KEY: it was rotated, or its client is disabled"
                         if getattr(error, "code", None) == 401 else f"the log cannot be followed: {error}")
                pause = float(getattr(error, "headers", None) and error.headers.get("Retry-After") or 1.0)
            if self.wake.wait(pause * random.uniform(0.9, 1.1)): time.sleep(random.uniform(0.01, 0.05))
            self.wake.clear()

    def say(self, what):
        """What fails each second is said once."""
        if what is not None and what != self.said: print(what, file=sys.stderr, flush=True)
        self.said = what

    def listen(self):
        while True:
            try:
                with self.call("/auth/feed", timeout=45.0, Accept="text/event-stream") as stream:
                    self.wake.set()
                    event = None
                    for line in stream:
                        name, _, value = line.decode().rstrip("\r\n").partition(": ")
                        if name == "event": event = value
                        elif name == "data" and event == "entry":
                            self.copy.hint(json.loads(value))
                            self.wake.set()
                        elif name == "": event = None
            except (urllib.error.URLError, OSError, ValueError):
                pass
            time.sleep(1.0 + random.random())


class NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_): return None


OPENER = urllib.request.build_opener(NoRedirects)


class Verifier:
    def __init__(self, issuer, audience, copy):
        self.issuer, self.audience, self.copy, self.keys, self.asked, self.fetched = issuer, audience, copy, {}, float("-inf"), None

    def age(self):
        """How old the keys are, by whichever clock says more: the monotonic one stands still in a sleep."""
        if self.fetched is None: return float("inf")
        return max(time.monotonic() - self.fetched[0], time.time() - self.fetched[1])

    def key(self, kid):
        if self.age() > 86400: self.keys = {}
        if (self.age() > 300 or kid not in self.keys) and time.monotonic() - self.asked > 5:
            self.asked, at = time.monotonic(), (time.monotonic(), time.time())
            try:
                with OPENER.open(self.issuer + "/.well-known/jwks.json", timeout=2.0) as answer: keys = json.load(answer)["keys"]
            except OSError:
                if kid in self.keys: return self.keys[kid]
                raise
            self.keys = {each["kid"]: (each["alg"], jwt.PyJWK(each)) for each in keys if each["alg"] in ("EdDSA", "ES256")}
            self.fetched = at
        return self.keys[kid]

    def verify(self, token):
        """Status and body for whoever presents this."""
        refused = (401, {"code": "LK_UNAUTHENTICATED"})
        try:
            header = jwt.get_unverified_header(token)
            algorithm, key = self.key(header["kid"])
            if header.get("typ", "").lower() not in ("at+jwt", "application/at+jwt"): return refused
            options = {"require": ["exp", "iat", "iss", "aud", "sub", "client_id", "jti"], "verify_iat": False}
            claims = jwt.decode(token, key.key, [algorithm], options, audience=self.audience, issuer=self.issuer)
            if not 0 < claims["exp"] - claims["iat"] <= 900 or claims["iat"] > time.time() + LEEWAY: return refused
            if any(name in claims for name in ("cnf", "act", "scope", "authorization_details", "org")): return refused
            verdict = self.copy.judge(claims, header["kid"])
        except (jwt.PyJWTError, AttributeError, KeyError, TypeError, ValueError): return refused
        except OSError: return 503, {"code": "LK_NOT_FRESH"}
        if verdict == "revoked": return refused
        if verdict == "unknown": return 503, {"code": "LK_NOT_FRESH"}
        if verdict == "stale" and set(claims) - OWN: return 401, {"code": "LK_TOKEN_STALE"}
        return 200, {"sub": claims["sub"], "client_id": claims["client_id"]}


def serve(port, verifier, copy):
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            scheme, _, token = self.headers.get("Authorization", "").partition(" ")
            if self.path == "/status": status, body = 200, {"fresh": copy.fresh(), "head": copy.cursor[2]}
            elif scheme.lower() != "bearer": status, body = 401, {"code": "LK_UNAUTHENTICATED"}
            else: status, body = verifier.verify(token.strip())
            self.send_response(status)
            if status == 401: self.send_header("WWW-Authenticate", 'Bearer error="invalid_token"' if token else "Bearer")
            if status == 503: self.send_header("Retry-After", "1")
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        def log_message(self, *_): pass

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    print(f"ready on {server.server_address[1]}", flush=True)
    server.serve_forever()


def require_issuer(issuer):
    """RFC 8414 §3.3: whoever answers there calls itself what tokens are compared with. One that is away may come."""
    try:
        with OPENER.open(issuer + "/.well-known/oauth-authorization-server", timeout=2.0) as answer: said = json.load(answer)["issuer"]
    except (urllib.error.URLError, OSError, ValueError, KeyError) as error:
        return print(f"no issuer at {issuer} yet: {error}", file=sys.stderr, flush=True)
    if said != issuer: sys.exit(f"the issuer calls itself {said}: write ISSUER={said}")


if __name__ == "__main__":
    missing = [name for name in ("ISSUER", "AUDIENCE", "CLIENT_KEY") if not os.environ.get(name)]
    if missing: sys.exit(f"{', '.join(missing)} missing. " + __doc__.split("\n\n")[2].strip())
    require_issuer(os.environ["ISSUER"])
    copy = Copy()
    feed = Feed(os.environ["ISSUER"], os.environ["CLIENT_KEY"], copy)
    for loop in (feed.follow, feed.listen): threading.Thread(target=loop, daemon=True).start()
    serve(int(os.environ.get("PORT", "8000")), Verifier(os.environ["ISSUER"], os.environ["AUDIENCE"], copy), copy)
