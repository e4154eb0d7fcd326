"""A download that is cut in the middle or altered on the way: refused, never read, and fetched again the next time."""

import io
import pickle
import tarfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from epochwise.data import torchvision_files
from epochwise.data.loading import load
from epochwise.data.sources import DataError
from epochwise.data.torchvision_files import import_torchvision


class Trap:
    """An object whose unpickling leaves a file behind."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


def archive_with_trap(path):
    """An archive laid out like CIFAR-10's, whose first batch is a trap."""
    content = pickle.dumps(Trap(path))
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as file:
        entry = tarfile.TarInfo("cifar-10-batches-py/data_batch_1")
        entry.size = len(content)
        file.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


@pytest.fixture
def serve(tmp_path, monkeypatch):
    """Serve `content` where torchvision looks for CIFAR-10, promising `length` bytes; returns the list of requests."""
    servers = []
    requests = []

    def start(content, length):
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                requests.append(self.path)
                self.send_response(200)
                self.send_header("Content-Length", str(length))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_):
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/cifar-10-python.tar.gz"
        monkeypatch.setattr(import_torchvision().datasets.CIFAR10, "url", url)
        monkeypatch.setattr(torchvision_files, "DOWNLOADS", tmp_path / "data")
        return requests

    yield start
    for server in servers:
        server.shutdown()


@pytest.mark.parametrize("cut", [True, False])
def test_a_cut_or_altered_download_is_refused_unread_and_fetched_again(serve, tmp_path, cut):
    marker = tmp_path / "executed"
    content = archive_with_trap(marker)
    requests = serve(content[:-40] if cut else content, len(content))
    for _ in range(2):
        before = len(requests)
        aside = r"cifar-10-python.tar.gz does not have the MD5 sum \w{32}: .* renamed to cifar-10-python.tar.gz.damaged"
        with pytest.raises(DataError, match=rf"(?s)cifar10 could not be downloaded.*{aside}.*set `path`.*digits"):
            load("cifar10", None)
        assert len(requests) > before, "what is broken is not taken for the data set"
        assert [path.name for path in (tmp_path / "data").rglob("*.gz*")] == ["cifar-10-python.tar.gz.damaged"]
    assert not marker.exists(), "nothing of it was unpickled"
    assert not list((tmp_path / "data").rglob("data_batch_1")), "nothing of it was unpacked"
