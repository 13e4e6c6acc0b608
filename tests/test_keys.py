"""Keys and passwords: where they are sent, and that nobody reads them anywhere else. Servers are on the loopback."""

from __future__ import annotations

import asyncio
import json
import logging
import pwd
import stat
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import closing, nullcontext
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO, TextIOWrapper
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx2
import pytest
from pydantic import ValidationError

from el4ner import cli
from el4ner.cli.console import Printer
from el4ner.cli.output import lines_to
from el4ner.data import Example, Span
from el4ner.errors import ConfigError, MissingExtraError
from el4ner.files import at_home, user_cache
from el4ner.models.base import Outcome, Reply, Request
from el4ner.models.masked import MASK, masked, secrets
from el4ner.models.network import certificates, proxied
from el4ner.models.openai.address import Address
from el4ner.models.openai.client import open_client
from el4ner.models.openai.key import told
from el4ner.models.openai.settings import OpenAISettings
from el4ner.pipeline import EL4NER
from el4ner.pool.pool import Pool
from el4ner.recipes.load import load_recipe, parse_recipe
from el4ner.recipes.write import recipe_toml

SECRET = "s3cr3t-0123456789-abcdef"
PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
Run = Callable[..., SimpleNamespace]


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in (*PROXIES, "OPENAI_API_KEY", "SSL_CERT_FILE", "SSL_CERT_DIR", "EL4NER_ALLOW_ENV"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("EL4NER_STORE", str(tmp_path / "replies.sqlite"))


@dataclass
class Server:
    """A server that answers everything in the same way, and what was in `Authorization`."""

    port: int = 0
    status: int = 200
    content: bytes = b'{"choices": [{"text": "none", "message": {"content": "none"}, "finish_reason": "stop"}]}'
    location: str = ""
    keys: list[str] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"


@pytest.fixture
def servers() -> Iterator[Callable[..., Server]]:
    running = []

    def start(**how: Any) -> Server:
        server = Server(**how)

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.answer()

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                server.keys.append(self.headers["Authorization"])
                self.answer()

            def answer(self) -> None:
                server.paths.append(self.path)
                moved = server.location and "moved" not in self.path
                self.send_response(server.status if moved or not server.location else 200)
                if moved:
                    self.send_header("Location", server.location)
                self.send_header("Content-Length", str(len(server.content)))
                self.end_headers()
                self.wfile.write(server.content)

            def log_message(self, format: str, *args: Any) -> None: ...

        http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.port = http.server_port
        threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        running.append(http)
        return server

    yield start
    for http in running:
        http.shutdown()
        http.server_close()


def at(url: str, **settings: Any) -> OpenAISettings:
    return OpenAISettings(engine="openai", base_url=url, model="m", **settings)


def ask(server: Server, url: str = "", **settings: Any) -> Reply:
    with closing(at(url or server.url, retries=0, **settings).open()) as model:
        return model.generate([Request("?", 9)])[0]


# Which key goes where


@pytest.mark.parametrize(
    ("url", "named", "sent"),
    [
        ("https://api.openai.com/v1", None, "OPENAI_API_KEY"),
        ("https://api.openai.com:443/v1", None, "OPENAI_API_KEY"),
        ("https://API.OpenAI.com/v1", None, "OPENAI_API_KEY"),
        ("http://api.openai.com/v1", None, ""),
        ("https://api.openai.com:8443/v1", None, ""),
        ("https://api.openai.com./v1", None, ""),
        ("https://api.openai.com.evil.example/v1", None, ""),
        ("https://evil.example/api.openai.com/v1", None, ""),
        ("http://localhost:8000/v1", None, ""),
        ("https://api.openai.com/v1", "", ""),
        ("https://elsewhere.example/v1", "OPENAI_API_KEY", "OPENAI_API_KEY"),
        ("https://elsewhere.example/v1", "OTHER", "OTHER"),
    ],
)
def test_the_key_of_openai_goes_to_openai_and_others_where_they_are_named(
    url: str, named: str | None, sent: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    monkeypatch.setenv("OTHER", SECRET)
    settings = at(url, api_key_env=named)
    assert settings.key_variable == sent
    assert settings.key == (SECRET if sent else "")
    assert settings.outlet().key == sent


@pytest.mark.parametrize("url", ["https://api.openai.com\\@evil.example/v1", "https://e.example/\t", "https://a b/"])
def test_an_address_that_parsers_read_in_two_ways_is_refused(url: str) -> None:
    with pytest.raises(ValidationError, match="no address"):
        at(url)


def test_what_leaves_is_told_by_the_name_of_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    far = Address.parse("https://elsewhere.example/v1")
    assert told(None, far) == "without a key"
    assert told("OTHER", far) == "without a key: OTHER is not set"
    monkeypatch.setenv("OTHER", SECRET)
    assert told("OTHER", far) == "with the key in OTHER"
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    assert 'write api_key_env = "OPENAI_API_KEY"' in told(None, far)
    assert told("", far) == "without a key"
    assert told(None, Address.parse("https://u:p@elsewhere.example")) == "with the user and password of base_url"


def test_a_recipe_that_relied_on_the_old_default_is_warned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    with pytest.warns(UserWarning, match='not sent there.*write api_key_env = "OPENAI_API_KEY"'):
        at("https://elsewhere.example/v1").open().close()
    with pytest.warns(UserWarning, match="NO_SUCH is not set"):
        at("https://elsewhere.example/v1", api_key_env="NO_SUCH").open().close()


@pytest.mark.parametrize("status", [401, 403])
def test_a_server_that_wants_a_key_and_got_none_is_told_of(
    status: int, servers: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    server = servers(status=status)
    with pytest.warns(UserWarning, match=f'HTTP {status}.*write api_key_env = "OPENAI_API_KEY"'):
        assert ask(server).outcome is Outcome.FAILED
    assert server.keys == ["Bearer EMPTY"]


@pytest.mark.parametrize(
    ("host", "loopback", "private"),
    [
        ("localhost", True, True),
        ("127.0.0.1", True, True),
        ("127.9.9.9", True, True),
        ("[::1]", True, True),
        ("[::ffff:127.0.0.1]", True, True),
        ("0.0.0.0", True, True),
        ("10.1.2.3", False, True),
        ("192.168.0.7", False, True),
        ("172.31.0.1", False, True),
        ("100.64.0.1", False, True),
        ("169.254.1.1", False, True),
        ("[fd00::1]", False, True),
        ("gpu-box", False, True),
        ("gpu.local", False, True),
        ("gpu.home.arpa", False, True),
        ("8.8.8.8", False, False),
        ("[::ffff:8.8.8.8]", False, False),
        ("[2001:4860:4860::8888]", False, False),
        ("134744072", False, False),
        ("0x08080808", False, False),
        ("８８.example", False, False),
        ("localhost.evil.example", False, False),
        ("local", False, True),
        ("evil-local.com", False, False),
        ("127.0.0.1.evil.example", False, False),
        ("a.lan", False, True),
    ],
)
def test_near_and_far(host: str, loopback: bool, private: bool) -> None:
    address = Address.parse(f"http://{host}:8000/v1")
    assert (address.loopback, address.private) == (loopback, private)


def test_no_key_or_password_goes_over_plain_http_to_a_public_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTHER", SECRET)
    with pytest.raises(ConfigError, match=r"key in OTHER is not sent to http://far\.example.*https"):
        at("http://far.example/v1", api_key_env="OTHER").open()
    with pytest.raises(ConfigError, match=r"password of base_url is not sent to http://8\.8\.8\.8"):
        at(f"http://u:{SECRET}@8.8.8.8/v1").open()
    for url in ("http://far.example/v1", "http://10.0.0.1/v1"):
        at(url).open().close()
    at("http://10.0.0.1/v1", api_key_env="OTHER").open().close()


# What a key may be


@pytest.mark.parametrize("written", [SECRET, f"{SECRET}\r\n", f"\n {SECRET}\t", f"{SECRET}\u00a0", "sleutel-é"])
def test_a_key_is_sent_without_what_stands_around_it(
    written: str, servers: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTHER", written)
    server = servers()
    assert ask(server, api_key_env="OTHER").text == "none"
    assert server.keys == [f"Bearer {written.strip()}"]


@pytest.mark.parametrize("odd", ["\r", "\n", "\x01", "\x1b[2J", "\x7f", "\x85", "\u2026", "\U0001f511", "\udcff"])
def test_a_key_that_no_header_carries_is_refused_by_the_name_of_its_variable(
    odd: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTHER", f"{SECRET}{odd}{SECRET}")
    with pytest.raises(ConfigError, match=r"^OTHER: ") as caught:
        at("http://127.0.0.1:1/v1", api_key_env="OTHER").open()
    assert SECRET not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("name", [SECRET, "sk-proj-0123456789abcdef", "hf_abcdefghijklmnop", "A B", "A=B", "1A"])
def test_a_key_in_the_place_of_its_variables_name_is_refused_unseen(name: str) -> None:
    with pytest.raises(ValidationError, match="no name of an environment variable") as caught:
        at("http://h/v1", api_key_env=name)
    assert name not in str(caught.value)


# Passwords in the address


def test_a_password_in_the_address_is_basic_authentication(servers: Callable[..., Server]) -> None:
    server = servers()
    ask(server, server.url.replace("//", "//me:p%40ss@"))
    assert server.keys == ["Basic bWU6cEBzcw=="]
    with pytest.raises(ValidationError, match="leave one of the two out"):
        at("http://me:pass@h/v1", api_key_env="OTHER")


def test_a_password_is_masked_wherever_settings_are_written_or_shown(
    servers: Callable[..., Server], caplog: pytest.LogCaptureFixture
) -> None:
    server = servers()
    url = server.url.replace("//", f"//me:{SECRET}@")
    extra = {"api_key": SECRET, "nested": [{"accessToken": SECRET, "top_k": 3}], "extra_headers": {"X-Mine": SECRET}}
    settings = at(url, extra=extra)
    recipe = parse_recipe({"name": "r", "models": {"m": settings}, "members": [{"name": "m", "model": "m"}]}, "r")
    caplog.set_level(logging.DEBUG)
    with closing(settings.open()) as model:
        model.generate([Request("?", 9)])
        shown = [model.identity, repr(settings), str(settings), repr(recipe), settings.model_dump_json()]
    shown += [recipe_toml(recipe), recipe.model_dump_json(), caplog.text, settings.known_by()]
    for one in shown:
        assert SECRET not in one
    assert f"//{MASK}@127.0.0.1" in recipe_toml(recipe)
    assert '"top_k": 3' in shown[0]
    assert settings.model_dump()["extra"] == extra
    again = parse_recipe(json.loads(recipe.model_dump_json()), "r")
    assert again == recipe  # so that a kept run is found again
    with pytest.raises(ConfigError, match="masked here"):
        again.models["m"].open()


@pytest.mark.parametrize(
    "url",
    [
        f"http://me:{SECRET}@h:x1/v1",
        f"ftp://me:{SECRET}@h/v1",
        f"http://h/v1?api_key={SECRET}",
        f"http://h/v1#{SECRET}",
        f"http://me:{SECRET}/@h/v1",
        f"http://[{SECRET}/v1",
        f"http://me:{SECRET} @h/v1",
    ],
)
def test_an_address_that_is_refused_is_not_quoted(url: str) -> None:
    with pytest.raises(ValidationError, match="base_url") as unfit:
        at(url)
    table = {"engine": "openai", "base_url": url, "model": "m"}
    members = [{"name": "m", "model": "m"}]
    with pytest.raises(ConfigError, match=r"^recipe r: models.m.*base_url: ") as told_of:
        parse_recipe({"name": "r", "models": {"m": table}, "members": members}, "r")
    for error in (unfit.value, told_of.value):
        assert SECRET not in "".join(traceback.format_exception(error))


def test_no_error_in_settings_quotes_what_was_written() -> None:
    for wrong in ({"api_key": SECRET}, {"timeout": SECRET}, {"grammar": SECRET}, {"extra": SECRET}):
        with pytest.raises(ValidationError) as caught:
            at("http://h/v1", **wrong)
        assert SECRET not in str(caught.value)


def test_what_is_secret_goes_by_names_and_looks() -> None:
    hidden = {"key", "api_key", "apiKey", "X-API-Key", "token", "hf_token", "client_secret", "Authorization", "passwd"}
    plain = {"max_tokens", "eos_token", "stop_token_ids", "keyboard", "api_key_env", "monkey", "seed", "tokenizer"}
    assert masked(dict.fromkeys(hidden | plain, "x")) == dict.fromkeys(hidden, MASK) | dict.fromkeys(plain, "x")
    assert masked(["Bearer abc", "sk-proj-0123456789abcd", "eyJh.eyJz.c2ln", "none", 3]) == [MASK] * 3 + ["none", 3]
    assert masked({"proxy": "see http://me:pw@h/x"}) == {"proxy": f"see http://{MASK}@h/x"}
    assert list(secrets({"a": {"api_key": "k"}, "b": ["http://me:pw@h/"]})) == ["k", "me:pw"]


# Servers that say it back


def test_a_server_that_says_the_key_back_is_not_quoted(
    servers: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTHER", SECRET)
    server = servers(status=400, content=json.dumps({"error": {"message": f"no such key: Bearer {SECRET}"}}).encode())
    assert ask(server, api_key_env="OTHER").error == f"HTTP 400: no such key: Bearer {MASK}"
    choice = {"text": f"your key is {SECRET}", "finish_reason": "stop"}
    server = servers(content=json.dumps({"choices": [choice], "data": [{"id": "m", "root": SECRET}]}).encode())
    reply = ask(server, api_key_env="OTHER")
    assert (reply.outcome, reply.text) == (Outcome.FAILED, "")
    assert SECRET not in reply.error
    with closing(at(server.url, api_key_env="OTHER").open()) as model:
        assert SECRET not in model.identity


# Redirects


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("target", ["http://localhost:{port}/moved", "http://127.0.0.1:1/moved", "//other.example/x"])
def test_a_redirect_to_another_server_is_refused_by_name(
    status: int, target: str, servers: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTHER", SECRET)
    other = servers()
    server = servers(status=status, location=target.format(port=other.port))
    reply = ask(server, api_key_env="OTHER", context=512)
    host = target.format(port=other.port).split("//")[1].split("/")[0]
    assert reply.error.startswith(f"HTTP {status}: redirects to http://{host}, another server; not followed")
    assert other.paths == []
    assert len(server.keys) == 1


def test_a_redirect_within_the_server_is_followed_with_the_key(
    servers: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTHER", SECRET)
    server = servers(status=307, location="/moved")
    assert ask(server, api_key_env="OTHER").text == "none"
    assert server.keys == [f"Bearer {SECRET}"] * 2
    dropped = servers(status=302, location="/moved")
    assert "drops what was asked" in ask(dropped).error


@pytest.mark.parametrize(
    ("place", "target", "followed"),
    [
        ("https://h.example/v1", "HTTPS://H.example/v2", True),
        ("https://h.example/v1", "https://h.example:443/v2", True),
        ("http://h.example/v1", "https://h.example/v1", True),
        ("https://h.example/v1", "http://h.example/v1", False),
        ("https://h.example/v1", "https://h.example:444/v1", False),
        ("http://h.example:8000/v1", "https://h.example:8000/v1", False),
        ("https://h.example/v1", "https://h.example@evil.example/v1", False),
        ("https://h.example/v1", "https://h.example.evil.example/v1", False),
    ],
)
def test_the_same_server_is_scheme_host_and_port(place: str, target: str, followed: bool) -> None:
    stay = open_client(at(place)).event_hooks["response"][0]
    answer = httpx2.Response(307, headers={"Location": target}, request=httpx2.Request("POST", place))
    with nullcontext() if followed else pytest.raises(httpx2.HTTPError, match="another server; not followed"):
        asyncio.run(stay(answer))


@pytest.mark.parametrize("location", ["http://[::1", "http://a b/", "https://u:pw@127.0.0.1/x", "file:///etc/passwd"])
def test_an_odd_redirect_is_a_failure(location: str, servers: Callable[..., Server]) -> None:
    reply = ask(servers(status=307, location=location))
    assert reply.outcome is Outcome.FAILED
    assert "redirects to" in reply.error
    assert "pw" not in reply.error


# What the environment says of the network


@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:1", "http://[::1", "nonsense://x", "http://me:pw@127.0.0.1:1"])
def test_this_machine_is_asked_without_a_proxy(
    proxy: str, servers: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ALL_PROXY", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, proxy)
    monkeypatch.setenv("NO_PROXY", ",,[::/x,*.,1.2.3.4/99")
    assert ask(servers()).text == "none"


@pytest.mark.parametrize(
    ("name", "proxy"),
    [
        ("ALL_PROXY", f"http://me:{SECRET}@[::1"),
        ("HTTPS_PROXY", f"http://me:{SECRET}@h:port"),
        ("HTTP_PROXY", f"ftp://me:{SECRET}@h:1"),
        ("ALL_PROXY", f"socks4://me:{SECRET}@h:1"),
        ("https_proxy", "http://"),
        ("all_proxy", "http://h:99999"),
    ],
)
def test_a_proxy_that_is_none_is_one_line_with_the_variables_name(
    name: str, proxy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, proxy)
    with pytest.raises(ConfigError, match=f"^{name.upper()}: .*unset it") as caught:
        at("https://far.example/v1").open()
    assert SECRET not in "".join(traceback.format_exception(caught.value))
    monkeypatch.setenv("no_proxy", "far.example")
    at("https://far.example/v1").open().close()


def test_a_socks_proxy_names_the_package_that_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("el4ner.models.network.find_spec", lambda name: None)
    monkeypatch.setenv("ALL_PROXY", "socks5://h:1")
    with pytest.raises(MissingExtraError, match=r"^ALL_PROXY: .*pip install socksio"):
        proxied("far.example", loopback=False)


@pytest.mark.parametrize("content", [None, "", "no certificate", "-----BEGIN CERTIFICATE-----\nx\n"])
def test_certificates_that_are_none_are_one_line(
    content: str | None, tmp_path: Path, servers: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_text(content)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    with pytest.raises(ConfigError, match=r"^SSL_CERT_FILE=.*ca.pem: cannot be used"):
        at("https://far.example/v1").open()
    assert ask(servers()).text == "none"  # plain HTTP needs none
    monkeypatch.delenv("SSL_CERT_FILE")
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path / "nowhere"))
    with pytest.raises(ConfigError, match=r"^SSL_CERT_DIR=.*nowhere: cannot be used"):
        certificates()


def test_certificates_are_always_checked() -> None:
    client = open_client(at("https://far.example/v1"))
    pool = vars(vars(client)["_transport"])["_pool"]
    context = vars(pool)["_ssl_context"]
    assert context.check_hostname
    assert context.verify_mode.name == "CERT_REQUIRED"


def test_a_user_without_a_home_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)

    def nobody(uid: int) -> None:
        raise KeyError(uid)

    monkeypatch.setattr(pwd, "getpwuid", nobody)
    with pytest.raises(ConfigError, match="no home folder; set HOME or XDG_CACHE_HOME"):
        user_cache()
    with pytest.raises(ConfigError, match=r"~/x: .*set HOME"):
        at_home("~/x")
    assert at_home("/x") == Path("/x")


# Recipes from elsewhere


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes], tmp_path: Path) -> Run:
    """Calls the console script in a folder with a pool; gives exit code, output and errors."""
    monkeypatch.chdir(tmp_path)
    row = {"text": "Eve met Karl.", "entities": [{"start": 0, "end": 3, "label": "person"}]}
    Path("pool.jsonl").write_text(json.dumps(row) + "\n")

    def call(*arguments: str) -> SimpleNamespace:
        monkeypatch.setattr(sys, "argv", ["el4ner", *arguments])
        monkeypatch.setattr(sys, "stdin", TextIOWrapper(BytesIO(b"Eve.\n")))
        code = 0
        try:
            cli.main()
        except SystemExit as end:
            code = int(end.code or 0)
        captured = capfdbinary.readouterr()
        return SimpleNamespace(code=code, out=captured.out.decode(), err=captured.err.decode())

    return call


RECIPE = """name = "theirs"
[models.m]
engine = "openai"
base_url = "{url}"
model = "m"
{more}
[[members]]
name = "m"
model = "m"
[retrieve]
spans = "words"
"""
ANNOTATE = ("annotate", "-p", "pool.jsonl", "-r", "theirs.toml")


def test_a_file_that_names_a_variable_needs_a_yes(
    run: Run, servers: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET", SECRET)
    server = servers()
    Path("theirs.toml").write_text(RECIPE.format(url=server.url, more='api_key_env = "AWS_SECRET"'))
    for command in (ANNOTATE, ("doctor", "-r", "theirs.toml"), ("demo", "-r", "theirs.toml")):
        done = run(*command)
        assert done.code == 1
        assert f"AWS_SECRET to http://127.0.0.1:{server.port}" in done.err
        assert "--allow-env AWS_SECRET" in done.err
        assert SECRET not in done.err + done.out
    assert server.paths == []
    assert run(*ANNOTATE, "--allow-env", "OTHER").code == 1
    assert run(*ANNOTATE, "--allow-env", "AWS_SECRET").code == 0
    assert set(server.keys) == {f"Bearer {SECRET}"}
    monkeypatch.setenv("EL4NER_ALLOW_ENV", "OTHER, AWS_SECRET")
    assert run(*ANNOTATE, "--no-store").code == 0


def test_a_yes_on_the_terminal_is_kept_for_the_variable_and_the_server(
    run: Run, servers: Callable[..., Server], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AWS_SECRET", SECRET)
    first, second = servers(), servers()
    asked: list[str] = []

    def confirm(question: str, err: bool) -> bool:
        asked.append(question)
        return len(asked) > 1

    class Terminal(BytesIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr("el4ner.cli.consent.typer.confirm", confirm)
    monkeypatch.setattr("el4ner.cli.consent.sys", SimpleNamespace(stdin=Terminal()))
    monkeypatch.setattr("el4ner.cli.consent.err", SimpleNamespace(is_terminal=True))
    Path("theirs.toml").write_text(RECIPE.format(url=first.url, more='api_key_env = "AWS_SECRET"'))
    assert (run(*ANNOTATE).code, first.keys) == (1, [])  # no
    assert run(*ANNOTATE).code == 0  # yes
    assert run(*ANNOTATE, "--no-store").code == 0  # not asked again
    assert len(asked) == 2
    kept = tmp_path / "config" / "el4ner" / "allowed-keys"
    assert kept.read_text() == f"AWS_SECRET http://127.0.0.1:{first.port}\n"
    assert [stat.S_IMODE(path.stat().st_mode) for path in (kept, kept.parent)] == [0o600, 0o700]
    Path("theirs.toml").write_text(RECIPE.format(url=second.url, more='api_key_env = "AWS_SECRET"'))
    run(*ANNOTATE)
    assert len(asked) == 3  # another server


@pytest.mark.parametrize("more", ["", 'api_key_env = ""', 'api_key_env = "NOT_SET"', 'api_key_env = "OPENAI_API_KEY"'])
def test_a_file_that_sends_no_key_of_its_choice_is_not_asked_about(
    more: str, run: Run, servers: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    server = servers()
    Path("theirs.toml").write_text(RECIPE.format(url=server.url, more=more))
    assert run(*ANNOTATE).code == 0
    assert set(server.keys) == {f"Bearer {SECRET if 'OPENAI' in more else 'EMPTY'}"}


def test_code_trusts_its_recipe_unless_it_names_what_is_allowed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET", SECRET)
    file = tmp_path / "theirs.toml"
    file.write_text(RECIPE.format(url="https://far.example/v1", more='api_key_env = "AWS_SECRET"'))
    pool = Pool.of([Example("a", "Eve", (Span(0, 3, "person"),))])
    with pytest.raises(ConfigError, match=r"AWS_SECRET to https://far\.example; .*allow_env"):
        EL4NER.from_recipe(str(file), pool, allow_env=())
    EL4NER.from_recipe(str(file), pool, allow_env=("AWS_SECRET",)).close()
    EL4NER.from_recipe(load_recipe(str(file)), pool).close()


def test_doctor_and_runs_say_where_texts_go_and_with_which_key(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET", SECRET)
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere")  # so that nobody is asked
    Path("theirs.toml").write_text(RECIPE.format(url="https://far.example/v1", more='api_key_env = "AWS_SECRET"'))
    done = run("doctor", "-r", "theirs.toml", "--allow-env", "AWS_SECRET")
    assert done.code == 1
    assert "m: texts go to https://far.example/ with the key in AWS_SECRET\n" in done.out
    assert "not there: SSL_CERT_FILE=/nowhere: cannot be used (No such file or directory)" in done.out
    done = run(*ANNOTATE, "--allow-env", "AWS_SECRET")
    assert "texts go to https://far.example/ with the key in AWS_SECRET\n" in done.err
    assert SECRET not in done.out + done.err


def test_an_evaluation_keeps_no_password(run: Run, servers: Callable[..., Server]) -> None:
    server = servers()
    url = server.url.replace("//", f"//me:{SECRET}@")
    Path("theirs.toml").write_text(RECIPE.format(url=url, more=f'extra = {{ api_key = "{SECRET}" }}'))
    Path("set").mkdir()
    for split in ("train", "test"):
        row = {"text": f"Eve {split}s Karl.", "entities": [{"start": 0, "end": 3, "label": "person"}]}
        Path(f"set/{split}.jsonl").write_text(json.dumps(row) + "\n")
    evaluated = run("eval", "-d", "set", "-r", "theirs.toml", "-o", "kept")
    shown = run("recipes", "theirs.toml", "--full")
    as_it_stands = run("recipes", "theirs.toml")
    compared = run("compare", "-d", "set", "-r", "theirs.toml", "-o", "runs", "-f", "json")
    assert (evaluated.code, shown.code, compared.code) == (0, 0, 0)
    asked = len(server.paths)
    again = run("compare", "-d", "set", "-r", "theirs.toml", "-o", "runs", "--no-store")
    assert (again.code, len(server.paths)) == (0, asked)  # what is kept is the same run
    files = [path for path in Path().rglob("*") if path.is_file() and path.name != "theirs.toml"]
    assert len(files) > 4
    for content in [path.read_bytes() for path in files]:
        assert SECRET.encode() not in content
    for done in (evaluated, shown, as_it_stands, compared, again):
        assert SECRET not in done.out + done.err


# Words of others on a terminal


def test_no_word_commands_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    from rich.text import Text

    from el4ner.view.render import grid

    evil = "a\x1b]0;gone\x07b\x9b2Jc\u202ed\re"
    printer = Printer(force_terminal=False, width=200)
    table = grid(evil)
    table.add_row(Text(evil), evil)
    table.title = evil
    for part in (Text(evil), evil, table):
        printer.print(part)
    shown = capsys.readouterr().out
    assert not set(shown) & {"\x1b", "\x07", "\x9b", "\u202e", "\r"}
    assert "a␛]0;gone" in shown


def test_lines_of_data_are_printable_on_a_terminal_and_as_they_are_elsewhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    written = []
    for terminal in (True, False):
        stream = BytesIO()
        screen = SimpleNamespace(buffer=stream, isatty=lambda shown=terminal: shown)
        monkeypatch.setattr("el4ner.cli.output.sys", SimpleNamespace(stdout=screen, __stdout__=screen))
        with lines_to(None) as write:
            write("a\x9b2J")
        written.append(stream.getvalue().decode())
    assert written == ["a\ufffd2J\n", "a\x9b2J\n"]


def test_names_in_a_recipe_cannot_command_the_terminal(run: Run, servers: Callable[..., Server]) -> None:
    escape = "\\u001b]0;gone\\u0007\\u009b2J"
    server = servers(content=json.dumps({"error": {"message": "\x1b[2J\x9b1;1H"}}).encode(), status=400)
    text = RECIPE.format(url=server.url, more="").replace('name = "', f'name = "{escape}')
    Path("theirs.toml").write_text(text)
    for command in (ANNOTATE, ("doctor", "-r", "theirs.toml")):
        done = run(*command)
        assert not set(done.out + done.err) & {"\x1b", "\x07", "\x9b"}
