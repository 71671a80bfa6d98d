"""An S3 server on the loopback interface: moto's, with what the network and a busy service do to it."""

import itertools
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from unittest.mock import patch

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
        return {**SECRETS, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self.port}"}


@contextmanager
def served() -> Iterator[Objects]:
    """A server, which this process and those that it starts find by their environment."""
    app, lock = DomainDispatcherApplication(create_backend_app), threading.Lock()
    objects = Objects(0)

    def answer(environ: dict[str, str], start: Callable[..., object]) -> Iterable[bytes]:
        with lock:
            objects.requests.append((environ["REQUEST_METHOD"], f"{environ['PATH_INFO']}?{environ['QUERY_STRING']}"))
            befalls = objects.fault(len(objects.requests))
            if befalls != "unheard":  # moto keeps no order among threads: it would compare, and swap later
                done = list(app(environ, start if not befalls else lambda *_: lambda _: None))
        if befalls:
            start("503 Slow Down", [("Content-Length", "0")])
            return [b""]
        return done

    server = make_server("127.0.0.1", 0, answer, threaded=True)
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
