"""Put the context of RO-Crates into a cache of rocrate-validator, which then needs no network.

Run by the validator's own Python: `python offline_context.py CACHE CONTEXT`.
"""

import sys
from io import BytesIO
from pathlib import Path
from typing import Any

from requests import PreparedRequest, Response
from requests.adapters import BaseAdapter
from requests_cache import CachedSession
from urllib3 import HTTPResponse

CACHE, CONTEXT = sys.argv[1:]
URL = "https://w3id.org/ro/crate/1.1/context"


class OnDisk(BaseAdapter):
    """Answers any request with the file."""

    def send(self, request: PreparedRequest, *_: Any, **__: Any) -> Response:
        response = Response()
        response.request, response.url, response.status_code = request, URL, 200
        response.headers["Content-Type"] = "application/ld+json"
        response.raw = HTTPResponse(BytesIO(Path(CONTEXT).read_bytes()), preload_content=False)
        return response

    def close(self) -> None:
        pass


with CachedSession(CACHE, backend="sqlite") as session:
    session.mount(URL, OnDisk())
    session.get(URL)
