"""IDX files byte by byte, MNIST from folders and from a server that can be as bad as it likes."""

import contextlib
import gzip
import hashlib
import http.server
import struct
import threading

import numpy as np
import pytest
import sklearn.datasets
import torch

from gantut.data import DownloadError, digits, fashion_mnist, labelled_digits, mnist, read_idx
from gantut.data import _download as downloading
from gantut.data import _mnist as collections

pytestmark = pytest.mark.filterwarnings("error")

CODES = {"u1": 0x08, "i1": 0x09, ">i2": 0x0B, ">i4": 0x0C, ">f4": 0x0D, ">f8": 0x0E}


def idx(array, code=0x08):
    header = bytes([0, 0, code, array.ndim]) + b"".join(struct.pack(">I", length) for length in array.shape)
    return header + array.tobytes()


def at(path, data):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


# ---------------------------------------------------------------------------------------------- the format


@pytest.mark.parametrize(("kind", "code"), CODES.items())
@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gz"])
def test_every_type_of_number_comes_back(tmp_path, kind, code, pack):
    array = (np.random.default_rng(0).normal(size=(3, 4, 5)) * 100).astype(kind)
    found = read_idx(at(tmp_path / "file", pack(idx(array, code))))
    np.testing.assert_array_equal(found.numpy(), array)
    assert found.dtype == torch.from_numpy(array.astype(array.dtype.newbyteorder("="))).dtype
    found += 1  # it may be written to


WHOLE = idx(np.arange(24, dtype=np.uint8).reshape(2, 3, 4))
DAMAGED = {
    "nothing": (b"", "nothing"),
    "text": (b"I am an IDX file", "49 20 61 6d"),
    "an unknown type": (b"\0\0\x0a\x01" + WHOLE[4:], "00 00 0a 01"),
    "no dimensions": (b"\0\0\x08\x00" + WHOLE[4:], "00 00 08 00"),
    "200 dimensions": (b"\0\0\x08\xc8" + bytes(800), "00 00 08 c8"),
    "half a header": (WHOLE[:9], "before its 3 sizes"),
    "a byte too few": (WHOLE[:-1], "only 23 of 24 bytes"),
    "a byte too many": (WHOLE + b"\0", "more than 24 bytes"),
    "more than memory": (b"\0\0\x08\x02" + b"\xff" * 8, "at most"),
    "gzip that breaks off": (gzip.compress(WHOLE)[:-9], "damaged"),
    "gzip with a wrong checksum": (gzip.compress(WHOLE)[:-8] + b"\1\2\3\4" + gzip.compress(WHOLE)[-4:], "damaged"),
    "gzip of too much": (gzip.compress(WHOLE + bytes(10**6)), "more than 24 bytes"),
    "gzip in name only": (b"\x1f\x8b no gzip", "damaged"),
}


@pytest.mark.parametrize(("data", "part"), DAMAGED.values(), ids=DAMAGED.keys())
def test_damaged_files_are_refused(tmp_path, data, part):
    with pytest.raises(ValueError, match="path") as refusal:
        read_idx(at(tmp_path / "file", data))
    assert part in str(refusal.value)


def test_the_limit_counts_bytes_of_the_array(tmp_path):
    path = at(tmp_path / "file", WHOLE)
    assert read_idx(path, at_most=24).shape == (2, 3, 4)
    with pytest.raises(ValueError, match="at most 23 bytes"):
        read_idx(path, at_most=23)
    with pytest.raises(ValueError, match="at_most"):
        read_idx(path, at_most=0)


# ---------------------------------------------------------------------------------------------- MNIST from folders


@pytest.fixture
def small(monkeypatch):
    """A little MNIST: the files' content by name, known to the reader by their checksums."""
    random = np.random.default_rng(0)
    files = {}
    for prefix, n in (("train", 20), ("t10k", 7)):
        files[f"{prefix}-images-idx3-ubyte"] = idx(random.integers(0, 256, (n, 28, 28), dtype=np.uint8))
        files[f"{prefix}-labels-idx1-ubyte"] = idx(random.integers(0, 10, n, dtype=np.uint8))
    checksums = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    for name in ("MNIST", "FASHION_MNIST"):
        monkeypatch.setattr(collections, name, getattr(collections, name)._replace(checksums=checksums, place="/none"))
    return files


def check(found, files, prefix, device="cpu"):
    images = np.frombuffer(files[f"{prefix}-images-idx3-ubyte"][16:], np.uint8).reshape(-1, 1, 28, 28)
    labels = np.frombuffer(files[f"{prefix}-labels-idx1-ubyte"][8:], np.uint8)
    np.testing.assert_allclose(found.images.cpu().numpy(), images / 127.5 - 1, atol=2e-7)
    np.testing.assert_array_equal(found.labels.cpu().numpy(), labels)
    assert (found.images.dtype, found.labels.dtype) == (torch.float32, torch.int64)
    assert found.images.device.type == found.labels.device.type == torch.device(device).type


@pytest.mark.parametrize("place", [".", "raw", "MNIST/raw"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gz"])
def test_files_are_read_where_they_are_without_a_network(tmp_path, small, device, place, pack):
    for name, data in small.items():
        at(tmp_path / place / (name if pack is bytes else f"{name}.gz"), pack(data))
    check(mnist("train", folder=tmp_path, download=False, device=device), small, "train", device)
    check(mnist("test", folder=tmp_path, download=False, device=device), small, "t10k", device)


def test_32_pixels_have_a_margin_of_paper(tmp_path, small):
    for name, data in small.items():
        at(tmp_path / name, data)
    plain, wide = mnist(folder=tmp_path).images, mnist(folder=tmp_path, size=32).images
    assert wide.shape == (20, 1, 32, 32)
    assert torch.equal(wide[..., 2:30, 2:30], plain)
    assert wide.sum().item() == pytest.approx(plain.sum().item() - 20 * (32**2 - 28**2), rel=1e-5)


def test_files_of_another_collection_are_refused(tmp_path, small):
    for name, data in small.items():
        at(tmp_path / name, data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.raises(ValueError, match="is not train-images-idx3-ubyte of MNIST: its SHA-256"):
        mnist(folder=tmp_path)


def test_the_same_bytes_in_another_shape_are_another_file(tmp_path, small):
    name = "train-images-idx3-ubyte"
    at(tmp_path / name, idx(np.frombuffer(small[name][16:], np.uint8).reshape(20, 14, 56)))
    with pytest.raises(ValueError, match="is not train-images"):
        mnist(folder=tmp_path)


def test_a_missing_file_that_must_not_be_downloaded_is_named(tmp_path, small):
    with pytest.raises(FileNotFoundError, match=r"neither train-images-idx3-ubyte nor .* is in"):
        mnist(folder=tmp_path, download=False)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("reader", [mnist, fashion_mnist])
def test_parts_and_sizes_that_there_are_not_are_refused(tmp_path, reader):
    with pytest.raises(ValueError, match="part must be one of 'train', 'test', not 'holdout'"):
        reader("holdout", folder=tmp_path)
    with pytest.raises(ValueError, match="size must be one of 28, 32, not 64"):
        reader(folder=tmp_path, size=64)


# ---------------------------------------------------------------------------------------------- downloads


@pytest.fixture
def server():
    """A server on this machine: its address, the answers that it gives by path, and the paths that were asked for."""
    answers, asked = {}, []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            if self.path not in answers:
                return self.send_error(404)
            status, headers, body = answers[self.path]
            self.send_response(status)
            for header in headers.items():
                self.send_header(*header)
            self.end_headers()
            with contextlib.suppress(OSError):
                self.wfile.write(body)

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{listening.server_port}/data", answers, asked
        listening.shutdown()
        thread.join()


def serve(answers, files, **changes):
    for name, data in files.items():
        body = changes.get(name.split("-")[1], gzip.compress(data, mtime=0))
        answers[f"/data/{name}.gz"] = (200, {"Content-Length": str(len(body))}, body)


@pytest.mark.parametrize("reader", [mnist, fashion_mnist])
def test_what_is_missing_is_downloaded_once_and_kept(tmp_path, small, server, monkeypatch, reader):
    address, answers, asked = server
    serve(answers, small)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    check(reader("train", source=address), small, "train")
    assert asked == ["/data/train-images-idx3-ubyte.gz", "/data/train-labels-idx1-ubyte.gz"]
    answers.clear()  # from now on the server has nothing
    check(reader("train", source=address + "/"), small, "train")
    assert len(asked) == 2
    (folder,) = (tmp_path / "gantut").iterdir()
    assert folder.name == {mnist: "MNIST", fashion_mnist: "FashionMNIST"}[reader]
    assert sorted(path.name for path in folder.iterdir()) == [path.split("/")[-1] for path in asked]


IMAGES = "train-images-idx3-ubyte"
ANSWERS = {
    "a file that is not there": (None, "404|Not Found"),
    "another file": (lambda good: (200, {}, gzip.compress(idx(np.zeros((20, 28, 28), np.uint8)))), "SHA-256"),
    "a page of words": (lambda good: (200, {}, b"<html>Log in to this network</html>"), "must be an IDX file"),
    "nothing": (lambda good: (200, {"Content-Length": "0"}, b""), "nothing"),
    "half the body": (lambda good: (200, {"Content-Length": str(len(good))}, good[: len(good) // 2]), "ends early"),
    "half the body, of unknown length": (lambda good: (200, {}, good[: len(good) // 2]), "damaged"),
    "a body without end": (lambda good: (200, {}, bytes(10**6)), "more than 200000 bytes"),
    "a bomb": (lambda good: (200, {}, gzip.compress(b"\0\0\x08\x03" + b"\xff" * 12 + bytes(10**7))), "at most"),
    "an error of the server": (lambda good: (500, {}, b""), "500"),
    "no HTTP": (lambda good: (200, {"Transfer-Encoding": "chunked"}, b"no number\r\n"), "could not be downloaded"),
}


@pytest.mark.parametrize(("answer", "reason"), ANSWERS.values(), ids=ANSWERS.keys())
def test_a_bad_download_is_an_error_that_says_what_to_do_and_leaves_nothing(
    tmp_path, small, server, monkeypatch, answer, reason
):
    address, answers, _ = server
    serve(answers, small)
    path = f"/data/{IMAGES}.gz"
    good = answers.pop(path)[2]
    if answer:
        answers[path] = answer(good)
    monkeypatch.setattr(collections, "AT_MOST", 200_000)
    with pytest.raises(DownloadError, match=f"put it into {tmp_path}") as failure:
        mnist(folder=tmp_path, source=address)
    assert any(part in str(failure.value) for part in reason.split("|")), str(failure.value)
    assert list(tmp_path.iterdir()) == []
    answers[path] = (200, {"Content-Length": str(len(good))}, good)
    check(mnist(folder=tmp_path, source=address), small, "train")  # nothing stands in the way of the next attempt


def test_without_a_network_the_error_says_what_to_do(tmp_path, small, server):
    address, _, _ = server
    closed = address.rsplit(":", 1)[0] + ":1"  # nobody listens at port 1
    with pytest.raises(DownloadError, match=f"could not be downloaded .*put it into {tmp_path}"):
        mnist(folder=tmp_path, source=closed)
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_falls_silent_is_given_up(tmp_path, small, server, monkeypatch):
    address, answers, _ = server
    answers[f"/data/{IMAGES}.gz"] = (200, {"Content-Length": "100"}, b"")
    release = threading.Event()
    handler = http.server.BaseHTTPRequestHandler.end_headers

    def wait(self):
        handler(self)
        self.wfile.flush()
        release.wait(5)

    monkeypatch.setattr(http.server.BaseHTTPRequestHandler, "end_headers", wait)
    monkeypatch.setattr(downloading, "PATIENCE", 0.2)
    with pytest.raises(DownloadError, match="timed out"):
        mnist(folder=tmp_path, source=address)
    release.set()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("source", ["file:///etc", "ftp://example.org", "/etc"])
def test_nothing_but_http_is_asked(tmp_path, small, source):
    with pytest.raises(ValueError, match="source"):
        mnist(folder=tmp_path, source=source)


def test_a_full_disk_is_told_as_it_is_and_leaves_nothing(tmp_path, small, server, monkeypatch):
    address, answers, _ = server
    serve(answers, small)

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(downloading.os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        mnist(folder=tmp_path, source=address)
    assert list(tmp_path.iterdir()) == []


# ---------------------------------------------------------------------------------------------- digits


def test_labelled_digits_are_scikit_learns(device):
    images, labels = labelled_digits(dtype=torch.float64, device=device)
    witness = sklearn.datasets.load_digits()
    np.testing.assert_array_equal(images.cpu().numpy() * 16, witness.data)
    np.testing.assert_array_equal(labels.cpu().numpy(), witness.target)
    assert images.device.type == labels.device.type == device.type
    for digit, own in enumerate(digits(*range(10), dtype=torch.float64, device=device)):
        assert torch.equal(images[labels == digit], own)
