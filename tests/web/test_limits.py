"""Budgets of clients: by hand-set clocks, and by what a real server says to real sockets."""

import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from ipaddress import ip_network
from pathlib import Path

import falcon.testing
import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from support.api import bearer, claim_path, create, receipt_path, request_path, reveal, secret_path, upload
from support.clocks import Clock
from support.connection import UNBOUND
from support.secrets import Made, MadeRequest, envelope, made_of_chunks
from support.servers import start_server, stop_server
from taina import base64url
from taina.config import Config
from taina.rules.secret_requests import SecretRequests
from taina.rules.types import Created, Limits, NewSecret
from taina.rules.vault import Admit, Vault
from taina.store import Store
from taina.store.sqlite import SqliteStore
from taina.web import limits
from taina.web.app import create_app
from taina.web.client_marks import ClientMarks
from taina.web.limits import Budget, Rates
from taina.web.openapi import document


def test_the_rates_are_those_of_the_options_where_nobody_sets_one() -> None:
    config = Config()
    assert Rates() == Rates(
        creates=config.client_creates,
        reveals=config.client_reveals,
        calls=config.client_calls,
        misses=config.client_misses,
        storage=config.client_storage,
        transfer=config.client_transfer,
        proxies=(),
    )


def test_a_rate_a_minute_can_be_spent_for_ten_at_once_and_one_a_day_is_whole_after_a_day() -> None:
    minute, day = limits._a_minute(6), limits._a_day(7)
    assert minute and day
    assert (minute._size, minute._fill, day._size, day._fill) == (60, 600, 7, 86400)
    assert limits._a_minute(0) is limits._a_day(0) is None


PROXY = ["--trusted-proxy", "127.0.0.0/8"]


def test_a_budget_is_spent_and_fills_again_with_time() -> None:
    clock = Clock(1000.0)
    budget = Budget(10, 60, clock)
    assert [budget.try_spend(b"a") for _ in range(10)] == [0] * 10
    assert budget.try_spend(b"a") == pytest.approx(6)
    clock.now += 6
    assert budget.try_spend(b"a") == 0
    assert budget.try_spend(b"a") == pytest.approx(6), "what was refused cost nothing"
    clock.now += 3600
    assert [budget.try_spend(b"a") for _ in range(10)] == [0] * 10, "it fills up to its size and no further"
    assert budget.try_spend(b"a") > 0


def test_what_is_given_back_can_be_spent_again() -> None:
    clock = Clock(1000.0)
    budget = Budget(10, 60, clock)
    assert budget.try_spend(b"a", 4) == budget.try_spend(b"a", 6) == 0
    budget.give_back(b"a", 4)
    assert budget.try_spend(b"a", 4) == 0
    assert budget.try_spend(b"a") == pytest.approx(6)
    clock.now += 30
    budget.give_back(b"a", 25)
    budget.give_back(b"b", 1)
    assert [budget.try_spend(b"a") for _ in range(11)] == [0] * 10 + [pytest.approx(6)], (
        "it never holds more than its size"
    )


def test_clients_do_not_share_a_budget() -> None:
    budget = Budget(1, 60, Clock(1000.0))
    assert budget.try_spend(b"a") == 0
    assert budget.try_spend(b"b") == 0
    assert budget.seconds_until(b"a") == pytest.approx(60)


def test_what_is_larger_than_a_whole_budget_takes_all_of_it() -> None:
    budget = Budget(10, 60, Clock(1000.0))
    assert budget.try_spend(b"a", 25) == 0
    assert budget.seconds_until(b"a", 1) == pytest.approx(6)
    assert budget.seconds_until(b"a", 25) == pytest.approx(60)


@given(st.lists(st.tuples(st.floats(0, 30), st.floats(0.5, 12)), min_size=1, max_size=60))
def test_no_order_of_calls_gets_more_than_the_bucket_and_its_refill(calls: list[tuple[float, float]]) -> None:
    clock = Clock(1000.0)
    budget = Budget(10, 60, clock)
    start, spent = clock.now, 0.0
    for pause, cost in calls:
        clock.now += pause
        if budget.try_spend(b"a", cost) == 0:
            spent += min(cost, 10)
    assert spent <= 10 + (clock.now - start) / 6 + 1e-4


@given(st.floats(0, 1e7), st.integers(1, 2000), st.integers(1, 100_000))
@example(8374690.0, 1810, 34464)
def test_a_bucket_gives_all_it_holds_whatever_the_clock_shows(now: float, size: int, seconds: int) -> None:
    """In one piece and piece by piece: sums of floats are not exact, and once refused the last of it."""
    budget = Budget(size, seconds, Clock(now))
    assert budget.try_spend(b"whole", size) == 0
    assert budget.seconds_until(b"whole") > 0
    assert [budget.try_spend(b"pieces") for _ in range(size)] == [0] * size
    assert budget.try_spend(b"pieces") > 0


def test_a_client_is_forgotten_when_its_budget_is_whole() -> None:
    clock = Clock(1000.0)
    budget = Budget(10, 60, clock)
    for n in range(1000):
        budget.try_spend(n.to_bytes(16, "big"))
    clock.now += 6
    budget.try_spend((1000).to_bytes(16, "big"))
    assert budget.remembered == 999, "two for each that comes, as soon as they are whole"
    for n in range(1001, 1501):
        budget.try_spend(n.to_bytes(16, "big"))
    assert budget.remembered == 501


def test_what_costs_nothing_is_not_remembered() -> None:
    budget = Budget(10, 60, Clock(1000.0))
    assert budget.try_spend(b"a", 0) == budget.seconds_until(b"a") == 0
    assert budget.remembered == 0


def test_who_came_again_is_remembered_longer_than_who_did_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_MARKS", 3)
    budget = Budget(10, 60, Clock(1000.0))
    for client in (b"a", b"b", b"c", b"a", b"d"):
        budget.try_spend(client)
    assert [budget.seconds_until(client, 10) > 0 for client in (b"a", b"b", b"c", b"d")] == [True, False, True, True]


def test_memory_is_bounded_however_many_come(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_MARKS", 2000)
    budget = Budget(10, 60, Clock(1000.0))
    tracemalloc.start()
    try:
        for n in range(20_000):
            budget.try_spend(n.to_bytes(16, "big"))
        assert tracemalloc.get_traced_memory()[0] < 2 << 20
    finally:
        tracemalloc.stop()
    assert budget.remembered == 2000
    assert budget.seconds_until((19_999).to_bytes(16, "big"), 10) > 0, "the newest are remembered"


def mark(marks: ClientMarks, peer: str, forwarded: str | None = None) -> bytes:
    headers = {} if forwarded is None else {"X-Forwarded-For": forwarded}
    environ = falcon.testing.create_environ(headers=headers, remote_addr=peer)
    return marks.of(falcon.Request(environ))


def test_marks_mean_nothing_to_another_process() -> None:
    assert mark(ClientMarks(), "192.0.2.1") != mark(ClientMarks(), "192.0.2.1")
    assert len(mark(ClientMarks(), "192.0.2.1")) == 16


def test_a_network_of_64_bits_is_one_client() -> None:
    marks = ClientMarks()
    assert mark(marks, "2001:db8:1:2:3:4:5:6") == mark(marks, "2001:db8:1:2:ffff::1")
    assert mark(marks, "2001:db8:1:2::1") != mark(marks, "2001:db8:1:3::1")
    assert mark(marks, "192.0.2.1") != mark(marks, "192.0.2.2")
    assert mark(marks, "::ffff:192.0.2.1") == mark(marks, "192.0.2.1")


TRUSTED = [ip_network("10.0.0.0/8"), ip_network("fd00::/8")]


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("192.0.2.1", "198.51.100.7", "192.0.2.1"),
        ("10.0.0.1", "198.51.100.7", "198.51.100.7"),
        ("10.0.0.1", "203.0.113.9, 198.51.100.7", "198.51.100.7"),
        ("10.0.0.1", "203.0.113.9,198.51.100.7 , 10.0.0.2", "198.51.100.7"),
        ("10.0.0.1", "10.9.9.9, 198.51.100.7", "198.51.100.7"),
        ("10.0.0.1", "198.51.100.7:4711", "198.51.100.7"),
        ("10.0.0.1", "[2001:db8::1]:4711", "2001:db8::"),
        ("fd00::1", "2001:db8::1", "2001:db8::"),
        ("::ffff:10.0.0.1", "198.51.100.7", "198.51.100.7"),
        ("10.0.0.1", "198.51.100.7, unknown", "10.0.0.1"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", None, "10.0.0.1"),
    ],
)
def test_forwarding_is_read_from_the_right_and_through_trusted_hops_only(
    peer: str, forwarded: str | None, client: str
) -> None:
    marks = ClientMarks(TRUSTED)
    assert mark(marks, peer, forwarded) == mark(marks, client)


@given(st.text(max_size=200), st.sampled_from(["", "198.51.100.7"]))
def test_whatever_a_client_writes_there_it_stays_the_same_client(text: str, last: str) -> None:
    """The proxy appends the address that it saw; what the client wrote before stands to the left of it."""
    marks = ClientMarks(TRUSTED)
    if last:
        assert mark(marks, "10.0.0.1", f"{text}, {last}") == mark(marks, last)
    assert mark(marks, "192.0.2.1", text) == mark(marks, "192.0.2.1")


@contextmanager
def serving(folder: Path, *options: str) -> Iterator[Callable[[str], httpx.Client]]:
    """A server behind a trusted proxy, which is played here: a function that gives the client of an address."""
    server = start_server(folder, *PROXY, *options)
    opened: list[httpx.Client] = []

    def client(address: str) -> httpx.Client:
        opened.append(httpx.Client(base_url=f"{server.url}/api/v1", headers={"X-Forwarded-For": address}))
        return opened[-1]

    try:
        yield client
    finally:
        for one in opened:
            one.close()
        stop_server(server)


def assert_limited(answer: httpx.Response) -> None:
    assert answer.status_code == 429
    problem = answer.json()
    assert problem["code"] == "rate_limited"
    assert answer.headers["Retry-After"] == str(problem["retry_after"])
    assert 1 <= problem["retry_after"] <= 86400
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_creating_has_a_budget_of_its_own(tmp_path: Path) -> None:
    with serving(tmp_path, "--client-creates", "1") as client:
        one, other = client("198.51.100.1"), client("198.51.100.2")
        made = [create(one, Made()) for _ in range(8)]
        asked = MadeRequest()
        assert one.put(request_path(asked), json=asked.body()).status_code == 201
        posted = {"envelope": base64url.encode(envelope())}
        answered = one.post(f"{request_path(asked)}/envelopes", headers=bearer(asked.answer_token), json=posted)
        assert answered.status_code == 201
        refused = Made()
        assert_limited(one.put(secret_path(refused), json=refused.body()))
        create(other, refused)
        assert reveal(one, made[0]).status_code == 200, "another budget"
        spoofed = {"X-Forwarded-For": "203.0.113.5, 198.51.100.1"}
        assert_limited(one.put(secret_path(Made()), json=Made().body(), headers=spoofed))


def test_revealing_has_a_budget_of_its_own_and_a_refusal_consumes_nothing(tmp_path: Path) -> None:
    with serving(tmp_path, "--client-reveals", "1") as client:
        one, other = client("2001:db8:0:1::1"), client("2001:db8:0:2::1")
        made = [create(one, Made()) for _ in range(11)]
        assert [reveal(one, each).status_code for each in made[:10]] == [200] * 10
        assert_limited(reveal(one, made[10]))
        assert_limited(reveal(client("2001:db8:0:1:ffff::1"), made[10]))
        assert one.get(secret_path(made[10]), headers=bearer(made[10].link_proof)).json()["state"] == "waiting"
        assert reveal(other, made[10]).status_code == 200


def test_wrong_proofs_have_a_budget_of_their_own(tmp_path: Path) -> None:
    with serving(tmp_path, "--client-misses", "1") as client:
        one, other = client("198.51.100.1"), client("198.51.100.2")
        made = create(one, Made())
        for _ in range(5):
            assert one.get(secret_path(made), headers=bearer(bytes(32))).status_code == 404
            body = {"proof": base64url.encode(bytes(32))}
            assert (
                one.post(f"{secret_path(made)}/reveal", headers=bearer(made.link_proof), json=body).status_code == 403
            )
        assert_limited(one.get(secret_path(made), headers=bearer(bytes(32))))
        assert_limited(reveal(one, made))
        create(one, Made())
        assert one.get("/status").status_code == 200
        assert reveal(other, made).status_code == 200


def test_storage_has_a_budget_a_day_that_refusals_and_repetitions_leave_alone(tmp_path: Path) -> None:
    with serving(tmp_path, "--client-storage", "10KiB", "--max-size", "8KiB") as client:
        one, other = client("198.51.100.1"), client("198.51.100.2")
        made = create(one, Made(chunks=(bytes(5000),)))
        assert one.put(secret_path(made), json=made.body()).status_code == 200
        large = Made(chunks=(bytes(9000),))
        assert one.put(secret_path(large), json=large.body()).status_code == 413
        create(one, Made(chunks=(bytes(5000),)))
        assert_limited(one.put(secret_path(Made()), json=Made().body()))
        create(other, Made())


class Interrupted(Vault):
    """A vault at which a call comes in while it is at work on another."""

    def __init__(self, store: Store) -> None:
        super().__init__(store, Limits())
        self.meanwhile: Callable[[], object] = int

    def create(self, secret_id: bytes, order: NewSecret, admit: Admit | None = None) -> Created:
        self.meanwhile()
        return super().create(secret_id, order, admit)


def test_creates_at_once_spend_the_budget_once(tmp_path: Path) -> None:
    """Each of them comes in before the one before it has been kept."""
    answers: list[int] = []
    left = iter(range(30))

    def put() -> None:
        for _ in left:
            made = Made()
            body = made.body(inline=False) | {"size": 100 << 20, "chunks": 100}
            answers.append(falcon.testing.simulate_put(app, f"/api/v1{secret_path(made)}", json=body).status_code)

    with closing(SqliteStore(tmp_path / "taina.db")) as store:
        vault = Interrupted(store)
        vault.meanwhile = put
        app = create_app(vault, SecretRequests(store, Limits()), rates=Rates(storage=105 << 20))
        put()
    assert sorted(answers) == [201] + [429] * 29


def test_what_was_charged_for_nothing_is_given_back(tmp_path: Path) -> None:
    with closing(SqliteStore(tmp_path / "taina.db")) as store:
        vault = Interrupted(store)
        app = create_app(vault, SecretRequests(store, Limits()), rates=Rates(storage=1100))

        def put(made: Made, **changes: object) -> int:
            path = f"/api/v1{secret_path(made)}"
            return falcon.testing.simulate_put(app, path, json=made.body() | changes).status_code

        def fail() -> None:
            raise RuntimeError("as a bug would")

        assert put(Made(), ttl=1) == 422
        vault.meanwhile = fail
        assert put(Made()) == 500
        vault.meanwhile = int
        assert put(Made()) == 201
        assert put(Made()) == 429


def test_zero_sets_no_bound(tmp_path: Path) -> None:
    with serving(tmp_path, *UNBOUND) as client:
        one = client("198.51.100.1")
        assert [reveal(one, create(one, Made())).status_code for _ in range(30)] == [200] * 30


def test_nobody_is_believed_who_is_not_a_trusted_proxy(tmp_path: Path) -> None:
    server = start_server(tmp_path, "--client-creates", "1", "--trusted-proxy", "192.0.2.1")
    try:
        with httpx.Client(base_url=f"{server.url}/api/v1") as api:
            codes = []
            for n in range(11):
                made = Made()
                address = {"X-Forwarded-For": f"198.51.100.{n}"}
                codes.append(api.put(secret_path(made), json=made.body(), headers=address).status_code)
            assert codes == [201] * 10 + [429]
    finally:
        stop_server(server)


def test_every_other_call_has_a_budget(tmp_path: Path) -> None:
    with serving(tmp_path, "--client-calls", "1") as client:
        one, other = client("198.51.100.1"), client("198.51.100.2")
        made = create(one, Made())
        status, receipt = (secret_path(made), made.link_proof), (receipt_path(made), made.receipt_token)
        for path, token in [status, receipt] * 5:
            assert one.get(path, headers=bearer(token)).status_code == 200
        assert_limited(one.get(status[0], headers=bearer(status[1])))
        assert_limited(one.get("/status"))
        assert one.head("/openapi.json").status_code == 429, "HEAD is charged as GET is"
        assert one.get("/health").status_code == one.get("/ready").status_code == 200, "monitors are never refused"
        assert reveal(one, made).status_code == 200, "another budget"
        assert other.get("/status").status_code == 200


def test_chunks_have_a_budget_a_day_however_often_the_same_ones_pass(tmp_path: Path) -> None:
    # Six chunks and a half: between two of them no slow machine lets half of one grow back.
    with serving(tmp_path, "--client-transfer", "6656KiB") as client:
        one, other = client("198.51.100.1"), client("198.51.100.2")
        made = create(one, made_of_chunks(2))
        assert [upload(one, made, 0).status_code for _ in range(3)] == [204] * 3
        assert upload(one, made, 1).status_code == 204
        assert reveal(one, made).json() == {"chunks": 2}
        chunk, token = f"{claim_path(made)}/chunks/0", bearer(made.claim_token)
        assert [one.get(chunk, headers=token).status_code for _ in range(2)] == [200] * 2
        assert_limited(one.get(chunk, headers=token))
        assert_limited(upload(one, made, 0))
        assert one.get(claim_path(made), headers=token).status_code == 200, "another budget"
        assert other.get(chunk, headers=token).status_code == 200


def test_every_call_but_those_of_monitors_documents_its_refusal() -> None:
    free = {
        (method, path)
        for path, calls in document(Limits())["paths"].items()
        for method in calls
        if method != "parameters" and 429 not in map(int, calls[method]["responses"])
    }
    assert free == {("get", "/health"), ("get", "/ready")}
