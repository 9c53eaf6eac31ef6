"""A real S3 server on the loopback address, moto's, and the plugin through which Snakemake asks it.

Both are in a folder of their own, with PACKAGES; `with running(folder) as s3:` ends the server.
"""

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen
from xml.etree import ElementTree

PACKAGES = Path(__file__).with_name("s3.txt")
BUCKET = "lab"
# moto requires a signature, but does not check it.
SIGNED = {
    "Authorization": "AWS4-HMAC-SHA256 Credential=anybody/20250101/us-east-1/s3/aws4_request, "
    "SignedHeaders=host, Signature=0"
}


@dataclass(frozen=True)
class S3:
    """The server's address, and the folder of the packages."""

    url: str
    packages: Path

    @property
    def environment(self) -> dict[str, str]:
        """The additions to the environment of a `snakemake` that uses this server."""
        return {
            "PYTHONPATH": os.pathsep.join([str(self.packages), os.environ.get("PYTHONPATH", "")]),
            "SNAKEMAKE_STORAGE_S3_ENDPOINT_URL": self.url,
            "SNAKEMAKE_STORAGE_S3_ACCESS_KEY": "anybody",
            "SNAKEMAKE_STORAGE_S3_SECRET_KEY": "anything",
        }

    def arguments(self, prefix: str) -> list[str]:
        """Return the arguments of a `snakemake` whose results are under a prefix of the bucket."""
        place = ["--default-storage-prefix", f"s3://{BUCKET}/{prefix}"]
        return ["--default-storage-provider", "s3", *place, "--shared-fs-usage", "none"]

    def objects(self, prefix: str) -> list[str]:
        """Return the keys of the objects under a prefix; none if there is no bucket yet."""
        try:
            listing = ElementTree.fromstring(self._ask(f"?list-type=2&prefix={prefix}/"))
        except HTTPError as error:
            if error.code != 404:
                raise
            return []
        assert listing.findtext("{*}IsTruncated") == "false", "more than one page of objects"
        return [key.text or "" for key in listing.iterfind(".//{*}Key")]

    def download(self, prefix: str, folder: Path) -> Path:
        """Copy the objects under a prefix into a folder, and return the folder."""
        for key in self.objects(prefix):
            file = folder / key.removeprefix(f"{prefix}/")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(self._ask(f"/{key}"))
        return folder

    def delete(self, key: str) -> None:
        """Remove an object."""
        self._ask(f"/{key}", "DELETE")

    def _ask(self, what: str, method: str = "GET") -> bytes:
        request = Request(f"{self.url}/{BUCKET}{what}", headers=SIGNED, method=method)
        with urlopen(request) as answer:
            content: bytes = answer.read()
        return content


@contextmanager
def running(packages: Path) -> Iterator[S3]:
    """Start an empty S3 server; stop it at the end."""
    with tempfile.TemporaryDirectory(prefix="noisynames-s3-") as folder:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        said = Path(folder, "server.log")
        with said.open("w") as log:
            server = subprocess.Popen(
                [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
                env=os.environ | {"PYTHONPATH": str(packages)}, stdout=log,
                stderr=subprocess.STDOUT,
            )  # fmt: skip
        try:
            s3 = S3(f"http://127.0.0.1:{port}", packages)
            _wait_for(s3, server, said)
            yield s3
        finally:
            server.terminate()
            server.wait()


def _wait_for(s3: S3, server: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + 60
    while True:
        try:
            urlopen(f"{s3.url}/moto-api/").close()
            return
        except URLError:
            assert server.poll() is None and time.monotonic() < end, log.read_text()
            time.sleep(0.1)
