"""Options: a flag beats the environment, which beats the file; what is wrong is named."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from cli.conftest import Run, RunHere, like_others
from conftest import ROOT
from taina.config import OPTIONS, OTHER_VARIABLES, load
from taina.config.values import ConfigError

PROXY = 'create = "proxy"\nlogin_url = "/login"\n'
DEPLOY = ROOT / "scripts" / "deploy"


@pytest.fixture
def run_config(run_here: RunHere) -> Run:
    """`taina config` in this process, as `run` would in one of its own: a table of options takes hundreds of runs."""

    def run_config(*arguments: str, **more: str) -> subprocess.CompletedProcess[bytes]:
        with pytest.MonkeyPatch.context() as patch:
            for name, value in more.items():
                patch.setenv(name, value)
            code, out, err = run_here("config", *arguments)
        return subprocess.CompletedProcess(arguments, code, out.encode(), err.encode())

    return run_config


def test_a_flag_beats_the_environment_which_beats_the_file(run: Run, tmp_path: Path) -> None:
    (tmp_path / "taina.toml").write_text('host = "a"\nport = 1\nmax_size = "1MiB"\n[mail]\nper_key = 3\n')
    done = run("config", "--json", "--port", "3", TAINA_PORT="2", TAINA_MAX_SIZE="2M")
    told = json.loads(done.stdout)
    assert told["host"] == {"value": "a", "source": "taina.toml"}
    assert told["port"] == {"value": "3", "source": "--port"}
    assert told["max_size"] == {"value": str(2 << 20), "source": "TAINA_MAX_SIZE"}
    assert told["mail.per_key"] == {"value": "3", "source": "taina.toml"}
    assert told["create"] == {"value": "anyone", "source": "default"}
    assert set(told) == {option.key for option in OPTIONS}


def test_a_file_elsewhere_is_named(run_config: Run, tmp_path: Path) -> None:
    (tmp_path / "other.toml").write_text("port = 5\n")
    for done in (run_config("--config", "other.toml"), run_config(TAINA_CONFIG="other.toml")):
        assert b"other.toml" in done.stdout
        assert done.stderr.decode() == f"Options are read from {tmp_path / 'other.toml'}.\n"
    none = b"no file: there is no taina.toml here, and no /etc/taina/taina.toml."
    assert none in run_config().stderr
    assert b"cannot be read" in run_config("--config", "missing.toml").stderr


def test_people_read_a_table(run_config: Run) -> None:
    lines = run_config("--port", "0", "--metrics", "127.0.0.1:9464").stdout.decode().splitlines()
    assert len(lines) == len(OPTIONS)
    assert next(line.split() for line in lines if line.startswith("port ")) == ["port", "0", "--port"]
    assert next(line.split()[1] for line in lines if line.startswith("metrics")) == "127.0.0.1:9464"


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("port = 70000", "port in taina.toml is 70000, but has to be a whole number from 0 to 65535"),
        ("port = true", "a whole number"),
        ('max_size = "much"', "max_size in taina.toml is 'much', but has to be a size"),
        ('create = "nobody"', 'has to be "anyone" or "keys" or "proxy"'),
        ('create = "proxy"', "trusted_proxies is missing"),
        (f'{PROXY}trusted_proxies = ["10.0.0.1", "::/0"]', "trusted_proxies has every address in it"),
        (f'{PROXY}trusted_proxies = ["::ffff:0:0/96"]', "trusted_proxies has every address in it"),
        ('create = "proxy"\ntrusted_proxies = ["10.0.0.1"]', "login_url is missing"),
        (f'{PROXY}trusted_proxies = ["::1"]\norigins = ["https://a.example"]', "origins cannot be set"),
        ('login_url = "//evil.example/"', "a path of this host"),
        ('login_url = "/\\\\evil.example/"', "a path of this host"),
        ('login_url = "javascript:alert(1)"', "a path of this host"),
        ('login_url = "http://a.example/"', "a path of this host"),
        ('login_url = "https://a.example@evil.example/"', "a path of this host"),
        ('login_url = "/a b"', "a path of this host"),
        ('login_header = "Remote_User"', "the name of a header"),
        ('login_header = "Authorization"', "the name of a header"),
        ('login_header = "Ремоут"', "the name of a header"),
        ('ttl_min = "8d"', "ttl_default (7d, as it is not set) has to lie between ttl_min and ttl_max"),
        ('ttl_min = "2h"\nttl_max = "1h"\nttl_default = "1h"', "ttl_min is longer than ttl_max"),
        ('ttl_max = "1d"\nttl_default = "2d"', "ttl_default has to lie between"),
        ('ttl_max = "31d"', "a time from 5m to 30d"),
        ("ttl_min = 299", "a time from 5m to 30d"),
        ("ttl_min = true", "a time from 5m to 30d"),
        ('passphrases = "strong"', 'has to be "optional" or "required" or "generated"'),
        ('files = "perhaps"', "true or false"),
        ("files = 2", "true or false"),
        ("max_recipients = 0", "a whole number from 1 to 100"),
        ("max_answers = 101", "a whole number from 1 to 100"),
        ('origins = ["https://a.example/path"]', "an address without a path"),
        ('origins = ["*"]', "an address without a path"),
        ('origins = ["https://a.example:70000"]', "an address without a path"),
        ('origins = ["https://bücher.example"]', "which begins with xn--"),
        ('metrics = "0.0.0.0:9464"', "an address of this machine"),
        (
            "hots = 1",
            "hots in taina.toml is not an option. Did you mean host? There are: client_calls,",
        ),
        ("[mail]\nhots = 1", "mail.hots in taina.toml is not an option. Did you mean mail.host?"),
        ('[mail]\nhost = "smtp.example"', "mail.from is missing"),
        ('url = "https://a.example"\n[mail]\nhost = "smtp.example"\nfrom = "nobody"', "an email address"),
        ('url = "https://a.example"\n[mail]\nhost = "smtp.example"\nfrom = "b!a@a.example"', "an email address"),
        ('[mail]\nfrom = "=?utf-8?q?b=25a?=@a.example"', "an email address"),
        ('metrics = "127.0.0.1.example.org:9464"', "an address of this machine"),
        ('trusted_proxies = ["localhost"]', "trusted_proxies in taina.toml is ['localhost'], but has to be addresses"),
        ('store = "mysql://localhost"', "begins with postgresql://"),
        ("port =", "taina.toml is not TOML"),
        ('max_size = "20GiB"\nmax_storage = "1GiB"', "max_size is larger than max_storage"),
        ("max_size = 0", "a size from 1 byte to 1024TiB"),
        ('max_storage = "999999999999T"', "a size from 1 byte to 1024TiB"),
        ('client_storage = "2000T"', "at most 1024TiB, or 0 for no limit"),
        ("[site]\nacent = 1", "Did you mean site.accent?"),
        ('origins = "https://a.example:99999"', "an address without a path"),
        (f"x = {'[' * 3000}", "taina.toml is not TOML: it is nested too deeply"),
    ],
)
def test_what_is_wrong_is_named(run_config: Run, tmp_path: Path, written: str, said: str) -> None:
    (tmp_path / "taina.toml").write_text(written)
    done = run_config()
    assert done.returncode == 2
    assert said in done.stderr.decode()


@pytest.mark.parametrize("written", [b"\xef\xbb\xbfport = 5\r\n", b"port = 5\r\n"])
def test_a_file_from_windows_is_understood(run_config: Run, tmp_path: Path, written: bytes) -> None:
    (tmp_path / "taina.toml").write_bytes(written)
    assert json.loads(run_config("--json").stdout)["port"]["value"] == "5"


@pytest.mark.parametrize("written", ["\ufeffport = 5\n".encode("utf-16-le"), 'host = "bücher"'.encode("latin-1")])
def test_a_file_in_another_encoding_is_told_so(run_config: Run, tmp_path: Path, written: bytes) -> None:
    (tmp_path / "taina.toml").write_bytes(written)
    done = run_config()
    assert done.returncode == 2
    assert b"taina.toml is not text in UTF-8. Save it as UTF-8." in done.stderr


@pytest.mark.parametrize("kind", ["folder", "link to nothing"])
def test_what_stands_in_the_place_of_the_file_is_not_passed_over(run_config: Run, tmp_path: Path, kind: str) -> None:
    """Docker makes a folder where the file to be mounted is missing: the instance was then open to anybody."""
    place = tmp_path / "taina.toml"
    if kind == "folder":
        place.mkdir()
    else:
        place.symlink_to("nowhere")
    done = run_config()
    assert done.returncode == 2
    assert b"taina.toml cannot be read" in done.stderr


@pytest.mark.parametrize(
    "written", ["https://ann:hunter2@a.example", "https://hunter2@a.example/x", "x://a:hun@ter2@b"]
)
def test_a_password_in_an_address_is_not_repeated(run_config: Run, written: str) -> None:
    for name in ("TAINA_URL", "TAINA_ORIGINS", "TAINA_LOGIN_URL"):
        done = run_config(**{name: written})
        assert done.returncode == 2
        assert b"ter2" not in done.stdout + done.stderr
        assert f"{name} has to be".encode() in done.stderr


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("https://A.example:443/", "https://a.example"),
        ("http://a.example:80", "http://a.example"),
        ("https://[::1]:0443", "https://[::1]"),
        ("https://a.example:80", "https://a.example:80"),
        ("http://a.example:443", "http://a.example:443"),
    ],
)
def test_an_origin_is_spelled_as_browsers_spell_it(run_config: Run, written: str, meant: str) -> None:
    """With the port that goes without saying, pages of that origin were refused."""
    told = json.loads(run_config("--json", TAINA_ORIGINS=written, TAINA_URL=written).stdout)
    assert (told["origins"]["value"], told["url"]["value"]) == (meant, meant)


@pytest.mark.parametrize("command", ["config", "serve", "doctor", "backup --out x", "keys list"])
def test_every_command_that_reads_the_options_names_what_is_wrong(run: Run, tmp_path: Path, command: str) -> None:
    (tmp_path / "taina.toml").write_text("port = 70000\n")
    done = run(*command.split())
    assert done.returncode == 2
    assert b"port in taina.toml is 70000, but has to be a whole number from 0 to 65535" in done.stderr


def test_a_variable_that_is_nearly_an_option_is_named(run_config: Run) -> None:
    done = run_config(TAINA_MAXSIZE="1MiB")
    assert done.returncode == 2
    assert b"TAINA_MAXSIZE is not an option. Did you mean TAINA_MAX_SIZE?" in done.stderr


def test_every_variable_of_the_program_is_known(run_config: Run) -> None:
    """One that a command sets for another, or reads itself, was refused as an option that was mistyped."""
    texts = [file.read_text("utf-8") for file in (ROOT / "backend" / "taina").rglob("*.py")]
    named = {name for text in texts for name in re.findall(r"\bTAINA_[A-Z_]*[A-Z]\b", text)}
    assert named - {one.variable for one in OPTIONS} == set(OTHER_VARIABLES)
    done = run_config(**dict.fromkeys(set(OTHER_VARIABLES) - {"TAINA_CONFIG"}, "x"))
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("service", ["", "DB_", "PG_", "MAIL_", "STORE_", "2_"])
def test_what_a_cluster_sets_for_a_service_beside_is_passed_over(run_config: Run, service: str) -> None:
    """A service `taina-db` sets TAINA_DB_PORT, which is nearly TAINA_PORT."""
    name, address = f"TAINA_{service}", "10.43.5.6"
    cluster = {"SERVICE_HOST": address, "SERVICE_PORT": "80", "SERVICE_PORT_HTTP": "80", "PORT": f"tcp://{address}:80"}
    cluster |= {"PORT_80_TCP": f"tcp://{address}:80", "PORT_80_TCP_PROTO": "tcp", "PORT_80_TCP_PORT": "80"}
    cluster |= {"PORT_80_TCP_ADDR": address}
    done = run_config(TAINA_KEY="x", **{f"{name}{what}": value for what, value in cluster.items()})
    assert done.returncode == 0, done.stderr


def test_the_service_s_own_file_is_read_where_there_is_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("taina.config.SYSTEM_FILE", DEPLOY / "taina.toml")
    loaded = load(environment={})
    assert loaded.config.data == Path("/var/lib/taina"), "where the unit keeps it: StateDirectory=taina"
    assert "StateDirectory=taina" in (DEPLOY / "taina.service").read_text("utf-8").splitlines()
    (tmp_path / "taina.toml").write_text("port = 5\n")
    assert load(environment={}).config.port == 5
    assert load(environment={}).config.data == Path("data")


@pytest.mark.parametrize("kind", ["folder", "link to nothing", "name that is too long"])
def test_nor_is_what_stands_in_the_place_of_the_service_s_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    place = tmp_path / ("x" * 300 if "name" in kind else "system.toml")
    if kind == "folder":
        place.mkdir()
    elif kind == "link to nothing":
        place.symlink_to("nowhere")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("taina.config.SYSTEM_FILE", place)
    with pytest.raises(ConfigError, match=re.escape(f"{place} cannot be read: ")):
        load(environment={})
    (tmp_path / "taina.toml").write_text("port = 5\n")
    assert load(environment={}).config.port == 5


@pytest.mark.parametrize("place", ["missing.toml", "missing/system.toml", "taina.toml/system.toml"])
def test_a_service_that_has_no_file_has_no_options(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "taina.toml").write_text("")
    monkeypatch.chdir(tmp_path / "elsewhere")
    monkeypatch.setattr("taina.config.SYSTEM_FILE", tmp_path / place)
    assert load(environment={}).file is None


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can keep a file from a user and be that user")
@pytest.mark.parametrize("hidden", ["file", "folder"])
@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("serve --port 0", 2),
        ("config", 2),
        ("doctor", 2),
        ("keys list", 2),
        ("backup --out x", 2),
        ("takedown x", 2),
        ("import taina.wsgi", 1),
        ("send -", 0),
    ],
)
def test_a_service_s_file_that_this_user_may_not_read_is_not_passed_over(
    environment: dict[str, str], tmp_path: Path, hidden: str, command: str, code: int
) -> None:
    """An instance without its options is open to anyone; people who send and open have no use for them."""
    here, place = tmp_path / "here", tmp_path / "etc" / "taina.toml"
    here.mkdir()
    place.parent.mkdir()
    place.write_text('create = "keys"\n')
    (place if hidden == "file" else place.parent).chmod(0o700)
    os.chown(place if hidden == "file" else place.parent, 65534, 65534)
    program = f"from pathlib import Path; import taina.config; taina.config.SYSTEM_FILE = Path({str(place)!r})\n"
    program += command if "import" in command else "from taina.cli import main; main(prog_name='taina')"
    done = subprocess.run(
        [*like_others(), sys.executable, "-c", program, *command.split()],
        cwd=here,
        env=environment,
        input=b"x",
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == code, done.stderr
    assert (f"{place} cannot be read: Permission denied." in done.stderr.decode()) is (code != 0)


def test_what_the_builder_of_the_pages_reads_may_stand_there(run_config: Run, tmp_path: Path) -> None:
    (tmp_path / "taina.toml").write_text('[site]\nname = "Ours"\nfolder = "built"\n')
    done = run_config("--json")
    assert json.loads(done.stdout)["site.folder"]["value"] == "built"


def test_lists_are_given_in_each_way(run_config: Run, tmp_path: Path) -> None:
    (tmp_path / "taina.toml").write_text('origins = ["https://a.example", "https://b.example/"]\n')

    def told(*flags: str, **more: str) -> str:
        found = json.loads(run_config("--json", *flags, **more).stdout)["origins"]["value"]
        assert isinstance(found, str)
        return found

    assert told() == "https://a.example https://b.example"
    assert told(TAINA_ORIGINS="https://c.example https://d.example") == "https://c.example https://d.example"
    assert told("--origins", "https://e.example", "--origins", "https://f.example").split()[1] == "https://f.example"


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://taina:hunter2@db.example/taina",
        "postgresql://taina:hun@hunter2@db.example/taina",
        "postgresql://db.example/taina?user=taina&password=hunter2",
        "postgresql://db.example/taina?sslpassword=hunter2",
        "postgres://taina:hunter2@[::1]:5432,other/taina",
        "host=db.example user=taina password=hunter2",
        "mysql://taina:hunter2@db.example/taina",
        "postgresql:hunter2",
        "postgresql://taina:hunter2#x@127.0.0.1:1/taina",
        "postgresql://taina:hunter2[x@127.0.0.1:1/taina",
        "postgresql://taina:[hunter2]x@127.0.0.1:1/taina",
        "postgresql://taina:hunter2/x@127.0.0.1:1/taina",
        "postgresql://taina:hunter2%zz@127.0.0.1:1/taina",
        "postgresql://taina:x@hunter2@127.0.0.1:1/taina",
        "postgresql://127.0.0.1:1/taina?password=x&hunter2",
    ],
)
def test_no_password_is_printed(run: Run, run_config: Run, tmp_path: Path, address: str) -> None:
    (tmp_path / "hunter2.toml").write_text(f'store = "{address}"\n')
    for done in (
        run_config(TAINA_STORE=address),
        run_config("--json", TAINA_STORE=address),
        run_config("--store", address),
        run("serve", "--port", "0", TAINA_STORE=f"{address}&x=%zz"),
        run_config("--config", "hunter2.toml"),
        run("serve", "--port", "0", TAINA_STORE=address),
        run("doctor", TAINA_STORE=address),
    ):
        assert b"\\x0a" not in done.stderr
        assert b"hunter2" not in (done.stdout + done.stderr).replace(b"hunter2.toml", b"")
        assert b"Traceback" not in done.stderr
        assert b"nobody foresaw" not in done.stderr


@pytest.mark.parametrize("variable", ["TAINA_PORT", "TAINA_MAIL_PORT"])
@pytest.mark.parametrize("value", ["tcp://10.43.5.6:8080", "udp://10.43.5.6:53", "tcp://[fd00::1]:8080"])
def test_variables_that_a_cluster_sets_by_itself_are_passed_over(run_config: Run, variable: str, value: str) -> None:
    """Kubernetes sets NAME_PORT for each service in the namespace, also for one that is called `taina`."""
    done = run_config("--json", **{variable: value})
    assert done.returncode == 0
    assert json.loads(done.stdout)["port"] == {"value": "8080", "source": "default"}
    wrong = run_config(**{variable: "http://10.43.5.6"})
    assert wrong.returncode == 2


@pytest.mark.parametrize("host", ["::1", "[::1]"])
def test_an_ipv6_address_is_taken_with_and_without_brackets(run_config: Run, host: str) -> None:
    assert json.loads(run_config("--json", "--host", host).stdout)["host"]["value"] == "::1"
    assert b"[::1]:9464" in run_config("--metrics", "[::1]:9464").stdout


@pytest.mark.parametrize(
    "address", ["/", "/oauth2/start?rd=/", "https://auth.example.org", "https://a.example:8443/?b=c"]
)
def test_a_login_is_on_this_host_or_behind_tls(run_config: Run, tmp_path: Path, address: str) -> None:
    (tmp_path / "taina.toml").write_text(f'create = "proxy"\ntrusted_proxies = ["::1"]\nlogin_url = "{address}"\n')
    assert json.loads(run_config("--json").stdout)["login_url"]["value"] == address


def test_a_policy_is_read_as_it_is_written(run_config: Run, tmp_path: Path) -> None:
    (tmp_path / "taina.toml").write_text('ttl_min = "10m"\nttl_max = "2d"\nttl_default = "90m"\nfiles = false\n')
    told = json.loads(run_config("--json").stdout)
    assert [told[name]["value"] for name in ("ttl_min", "ttl_max", "ttl_default", "files")] == [
        "600",
        "172800",
        "5400",
        "false",
    ]
    assert json.loads(run_config("--json", TAINA_FILES="true").stdout)["files"]["value"] == "true"


def test_the_paths_to_guard_are_printed(run_config: Run) -> None:
    lines = [line.split() for line in run_config("--paths").stdout.decode().splitlines()]
    assert [line[1:] for line in lines if line[0] == "guard"] == [
        ["PUT", "^/api/v1/secrets/[^/]+$"],
        ["PUT", "^/api/v1/requests/[^/]+$"],
    ]
    assert ["open", "PUT", "^/api/v1/secrets/[^/]+/chunks/[^/]+$"] in lines
    told = json.loads(run_config("--paths", "--json").stdout)
    assert [["guard", *call] for call in told["guard"]] + [["open", *call] for call in told["open"]] == lines


def test_a_proxy_may_be_named_as_a_socket_of_both_kinds_shows_it(tmp_path: Path) -> None:
    """Clients are told apart by addresses without that prefix, and would all have been the proxy's."""
    (tmp_path / "taina.toml").write_text('trusted_proxies = ["::ffff:10.0.0.2", "::ffff:10.1.0.0/112", "fd00::/8"]\n')
    found = load(environment={}, file=tmp_path / "taina.toml").config.trusted_proxy
    assert [str(network) for network in found] == ["10.0.0.2/32", "10.1.0.0/16", "fd00::/8"]
