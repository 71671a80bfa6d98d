"""An S3 server on the loopback interface: moto's, with what the network and a busy service do to it."""

import itertools
import json
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from unittest.mock import patch
from urllib.parse import quote, unquote

from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

from pgsuite.results.store import remote

Fault = Callable[[int], str]
"""From a request's number, counted from 1, to what befalls it: nothing, ``unheard`` or ``unanswered``."""
SECRETS = {"AWS_ACCESS_KEY_ID": "AKIALOOPBACK", "AWS_SECRET_ACCESS_KEY": "not-to-be-seen", "AWS_REGION": "us-east-1"}


def every_tenth(number: int) -> str:
    """A service that fails every tenth request: in turn before it has done what was asked, and after."""
    return "" if number % 10 else "unheard" if number % 20 else "unanswered"


@dataclass
class Objects:
    """A server, and what it was asked."""

    port: int
    fault: Fault = lambda number: ""
    requests: list[tuple[str, str]] = field(default_factory=list)
    """Method and path with query, in order."""
    most: int = 0
    """Requests that were there at once, at most."""
    _bucket = itertools.count()

    def bucket(self) -> str:
        """A new one."""
        name = f"bucket-{os.getpid()}-{next(self._bucket)}"
        connection = HTTPConnection("127.0.0.1", self.port)
        connection.request("PUT", f"/{name}")
        assert connection.getresponse().status == 200
        connection.close()
        return name

    @property
    def environment(self) -> dict[str, str]:
        """What leads a client here."""
        here = f"http://127.0.0.1:{self.port}"
        account = {
            "gcs_base_url": here,
            "disable_oauth": True,
            "client_email": "",
            "private_key": "",
            "private_key_id": "",
        }
        return {**SECRETS, "AWS_ENDPOINT_URL": here, "GOOGLE_SERVICE_ACCOUNT_KEY": json.dumps(account)}


def _with_generations(app: Callable[..., Iterable[bytes]]) -> Callable[..., Iterable[bytes]]:
    """The same to a client of Google Cloud Storage, whose XML interface says generations where S3's says ETags."""

    def answer(environ: dict[str, str], start: Callable[..., object]) -> Iterable[bytes]:
        wanted = environ.pop("HTTP_X_GOOG_IF_GENERATION_MATCH", None)
        if not environ.get("HTTP_AUTHORIZATION", "").startswith("AWS4"):
            # As S3 is asked: moto looks whose request it is, and reads the path as it stands, "%2D" for "-".
            environ["HTTP_AUTHORIZATION"] = "AWS4-HMAC-SHA256 Credential=AKIALOOPBACK/20260101/us-east-1/s3/it"
            path = quote(unquote(environ["RAW_URI"].partition("?")[0]))
            environ["RAW_URI"] = environ["REQUEST_URI"] = f"{path}?{environ['QUERY_STRING']}"
        if wanted is not None:
            condition = ("HTTP_IF_NONE_MATCH", "*") if wanted == "0" else ("HTTP_IF_MATCH", f'"{int(wanted):032x}"')
            environ.update([condition])

        def begin(status: str, headers: list[tuple[str, str]], *rest: object) -> object:
            tags = [value.strip('"') for name, value in headers if name.lower() == "etag"]
            return start(status, [*headers, *(("x-goog-generation", str(int(tag, 16))) for tag in tags)], *rest)

        return app(environ, begin)

    return answer


@contextmanager
def served() -> Iterator[Objects]:
    """A server, which this process and those that it starts find by their environment."""
    app, lock = DomainDispatcherApplication(create_backend_app), threading.Lock()
    objects, there, counting = Objects(0), list[dict[str, str]](), threading.Lock()

    def answer(environ: dict[str, str], start: Callable[..., object]) -> Iterable[bytes]:
        with counting:
            there.append(environ)
            objects.most = max(objects.most, len(there))
        with lock:
            there.remove(environ)
            objects.requests.append((environ["REQUEST_METHOD"], f"{environ['PATH_INFO']}?{environ['QUERY_STRING']}"))
            befalls = objects.fault(len(objects.requests))
            if befalls != "unheard":  # moto keeps no order among threads: it would compare, and swap later
                done = list(app(environ, start if not befalls else lambda *_: lambda _: None))
        if befalls:
            start("503 Slow Down", [("Content-Length", "0")])
            return [b""]
        return done

    server = make_server("127.0.0.1", 0, _with_generations(answer), threaded=True)
    objects.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    remote._client.cache_clear()
    try:
        with patch.dict(os.environ, objects.environment):
            yield objects
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
        remote._client.cache_clear()
