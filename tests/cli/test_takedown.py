"""`taina takedown`: an operator ends what is abused, by its link, while the server runs."""

from pathlib import Path

import pytest

from cli.conftest import Run
from support.servers import free_port, start_server, stop_server
from taina import Client
from taina.errors import GoneError, NotFoundError


def test_a_secret_ends_and_its_sender_learns_it(run: Run, tmp_path: Path) -> None:
    server = start_server(tmp_path / "data")
    with Client(server.url) as client:
        sent, other = client.send("bait"), client.send("not concerned")
        done = run("takedown", "-", "--data", "data", given=f"{sent.link}\n".encode())
        assert (done.returncode, done.stdout) == (0, b"It is gone, if it was still there.\n")
        with pytest.raises(GoneError):
            client.open(sent.link)
        assert client.receipt(sent.receipt).state == "burned"
        assert client.open(other.link).text == "not concerned"
        assert run("takedown", sent.link, "--data", "data").returncode == 0
        assert run("takedown", other.link, "--data", "data").returncode == 0
        assert client.receipt(other.receipt).state == "opened"
    assert list((tmp_path / "data/takedowns").iterdir()) == []
    stop_server(server)


def test_a_request_ends(run: Run, tmp_path: Path) -> None:
    server = start_server(tmp_path / "data")
    with Client(server.url) as client:
        asked = client.request()
        assert run("takedown", asked.link, "--data", "data").returncode == 0
        with pytest.raises(NotFoundError):
            client.answer(asked.link, "password")
    stop_server(server)


def test_a_note_waits_for_the_server(run: Run, tmp_path: Path) -> None:
    server = start_server(tmp_path / "data", port=free_port())
    with Client(server.url) as client:
        sent = client.send("bait")
    stop_server(server)
    done = run("takedown", sent.link, "--data", "data")
    assert done.returncode == 1
    assert b"No server on data has done it yet" in done.stderr
    again = start_server(tmp_path / "data", port=server.port)
    assert run("takedown", sent.link, "--data", "data").returncode == 0
    with Client(again.url) as client:
        assert client.receipt(sent.receipt).state == "burned"
    stop_server(again)


def test_what_cannot_be_taken_down_is_named(run: Run, tmp_path: Path) -> None:
    server = start_server(tmp_path / "data")
    with Client(server.url) as client:
        sent = client.send("x")
    stop_server(server)
    for link, said in (
        (sent.receipt, b"receipt"),
        (sent.link[:-2], b"incomplete"),
    ):
        done = run("takedown", link, "--data", "data")
        assert done.returncode == 2
        assert said in done.stderr
    done = run("takedown", sent.link, "--data", "nowhere")
    assert done.returncode == 1
    assert b"No note can be left in nowhere" in done.stderr
