"""Where lines of the pages end: by the words of each language, and by the marks of names in code."""

import re

import pytest
from markupsafe import escape

from taina.site.line_ends import joined, name_in_code, with_breakable_addresses, with_whole_numbers


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "4.5~to~1~for text, at 1, 8 and 64~connections"),
        ("en", "version~1 of (WCAG)~2.2, glibc~2.35 and RFC~9457"),
        ("en", "S~=~floor(E)~+~1 and M~=~K ||^~S"),
        ("en", "{n}~attempts, {wanted}~links"),
        ("en", "Press “Generate~six~words”. He said “that is a sentence that may be broken”."),
        ("bg", "може да~се~отвори във версия~2 или не~се отваря"),
        ("ru", "То,~что вы~видите, и~ещё {n}~попыток"),
        ("ja", "「依頼の^リンク」^を、この^サーバーの JavaScript~を、もう^一度あと~{n}~回"),
        ("ar", "ما لا~نستطيع ولم~تكن ولا~يمكن ما~دامت ما يصلنا إلا ما"),
    ],
)
def test_words_that_belong_together_stay_in_one_line(language: str, text: str) -> None:
    """~ stands for a space, ^ for a place without one."""
    plain, wanted = text.replace("~", " ").replace("^", ""), text.replace("~", "\u00a0").replace("^", "\u2060")
    assert joined(plain, language) == wanted


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("taina serve --port 80", '<code class="whole">taina serve <span>--port</span> 80</code>'),
        ("receipt_hash", '<code class="whole">receipt_<wbr>hash</code>'),
        ("postgresql://user:password@host/database", None),
        ("https://secrets.example.org/api.json", None),
        ("/etc/taina/taina.toml.disabled", None),
        ('{"state", "failed_attempts", "n"}', "<code>{&#34;state&#34;, &#34;failed_attempts&#34;, &#34;n&#34;}</code>"),
        ("systemctl stop taina.socket taina.service", "<code>systemctl stop taina.socket taina.service</code>"),
    ],
)
def test_short_names_in_code_are_whole_and_long_ones_end_at_their_marks(name: str, written: str | None) -> None:
    ends = {
        "postgresql://user:password@host/database": "postgresql://|user:password@|host/|database",
        "https://secrets.example.org/api.json": "https://|secrets.|example.|org/|api.json",
        "/etc/taina/taina.toml.disabled": "/etc/|taina/|taina.|toml.|disabled",
    }
    assert name_in_code(name) == (written or f"<code>{ends[name].replace('|', '<wbr>')}</code>")


def test_standards_ranges_and_comparatives_are_whole() -> None:
    text = "AES-256-GCM, UTF-8, U+2000–200F, по-малко; SHA-256(x)"
    whole = re.findall(r'<span class="whole">([^<]+)</span>', with_whole_numbers(text))
    assert whole == ["AES-256-GCM", "UTF-8", "U+2000–200F", "по-малко", "SHA-256"]


def test_code_ends_its_lines_at_slashes_of_addresses_alone() -> None:
    code = with_breakable_addresses(escape('curl -H "Accept: application/json" "https://a.example/api/v1/x" $TOKEN'))
    assert code.count("<wbr>") == 3
    assert "https://a.example/<wbr>api/<wbr>v1/<wbr>x&#34;" in code
