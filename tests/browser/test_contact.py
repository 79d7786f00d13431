"""The operator's box: what visitors write there reaches the operator's inbox, and nobody else can read it."""

from pathlib import Path

from browser.engines import Tab, reach
from support.servers import free_port, start_server, stop_server
from support.sites import write_site
from taina.site.branding import read_looks


def test_a_visitor_writes_and_the_operator_reads(tab: Tab, reader: Tab, built_site: Path, tmp_path: Path) -> None:
    server = start_server(tmp_path / "data", "--site", str(built_site), port=free_port())
    tab.open(f"{server.url}/en/request/")
    reach(tab, "ready")
    tab.click("#make")
    reach(tab, "done")
    contact, inbox = tab.value("#link"), tab.value("#inbox-link")
    stop_server(server)

    (tmp_path / "taina.toml").write_text(f'[site]\nname = "Example"\ncontact = "{contact}"\n')
    write_site(tmp_path / "site", read_looks(tmp_path / "taina.toml"))
    again = start_server(tmp_path / "data", "--site", str(tmp_path / "site"), port=server.port)
    reader.open(f"{again.url}/en/")
    reader.click("a[href='/en/contact/']")
    reader.wait("location.pathname === '/en/contact/'")
    reader.click("main .button")
    reach(reader, "ready")
    reader.fill("#text", "The colours are lovely.")
    reader.click("#send")
    reach(reader, "done")

    tab.open(inbox)
    reach(tab, "shown")
    tab.open(tab.evaluate("document.querySelector('#answers a').href"))
    reach(tab, "before")
    tab.click("#reveal")
    reach(tab, "shown")
    assert tab.text("#secret-text") == "The colours are lovely."
    stop_server(again)
