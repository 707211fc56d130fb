"""What the operator may set about Elasticsearch: what does not go together stops the start, and no secret is shown."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from config.elastic_access import warnings_about
from config.settings import PROJECT, Settings
from core.errors import ConfigError
from tests.certificates import make_authority

HTTPS = "https://es.example:9200"


def environment(**values: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("FENGSUI_")}
    return kept | {f"FENGSUI_{name}": value for name, value in values.items()}


def settings(monkeypatch: pytest.MonkeyPatch, **values: str) -> Settings:
    for name, value in values.items():
        monkeypatch.setenv(f"FENGSUI_{name}", value)
    return Settings()


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"USER": "a", "PASSWORD": "b", "API_KEY": "c"}, "_USER 与 FENGSUI_ELASTICSEARCH_API_KEY 只能给一个"),
        ({"API_KEY": "schluessel"}, "_API_KEY：既不是 id:key，也不是两者的 base64"),
        ({"API_KEY": "id:"}, "_API_KEY：既不是 id:key，也不是两者的 base64"),
        ({"URL": "https://a:b@es:9200", "API_KEY": "c"}, "URL 中的账号 与 FENGSUI_ELASTICSEARCH_API_KEY 只能给一个"),
        ({"URL": "https://a:b@es:9200", "USER": "a", "PASSWORD": "b"}, "只能给一处"),
        ({"URL": "https://a:b@one:9200,https://a:c@two:9200"}, "几个地址中的账号不一样"),
        ({"URL": "https://a@es:9200"}, "要写全 user:password@"),
        ({"USER": "a"}, "没有 FENGSUI_ELASTICSEARCH_PASSWORD"),
        ({"PASSWORD": "b"}, "没有 FENGSUI_ELASTICSEARCH_USER"),
        ({"URL": "es:9200"}, "不是地址"),
        ({"URL": "https://es.example"}, "https://es.example 没有端口（写法：https://es.example:9200）"),
        ({"URL": "https://es:nine"}, "没有端口"),
        ({"URL": "http://a:9200,https://b:9200"}, "有 http 也有 https"),
        ({"CA": "/nowhere/ca.pem"}, "/nowhere/ca.pem 读不到"),
        ({"CA": __file__}, "不是 PEM 证书"),
        ({"URL": "http://es:9200", "CA": __file__}, "证书用不上"),
        ({"URL": "", "USER": "a", "PASSWORD": "b"}, "没有给 FENGSUI_ELASTICSEARCH_URL"),
    ],
)
def test_what_does_not_go_together_is_told_with_the_remedy(
    monkeypatch: pytest.MonkeyPatch, values: dict[str, str], told: str
) -> None:
    given = {f"ELASTICSEARCH_{name}": value for name, value in ({"URL": HTTPS} | values).items()}
    with pytest.raises(ConfigError) as refused:
        settings(monkeypatch, **given)
    assert told in str(refused.value)


def test_what_goes_together_is_taken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    authority = make_authority(tmp_path)
    made = settings(
        monkeypatch, ELASTICSEARCH_URL="https://one:9200, https://two:9200/", ELASTICSEARCH_USER="desk",
        ELASTICSEARCH_PASSWORD="p@ss", ELASTICSEARCH_CA=str(authority.file),
    )  # fmt: skip
    access = made.elastic_access
    assert access.hosts == ["https://one:9200", "https://two:9200/"]
    assert access.account is not None
    assert (access.account[0], access.account[1].get_secret_value()) == ("desk", "p@ss")
    assert warnings_about(access) == []


def test_an_account_in_the_address_is_unquoted_and_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    made = settings(monkeypatch, ELASTICSEARCH_URL="http://desk:g%40heim@es:9200")
    access = made.elastic_access
    assert access.account is not None
    assert access.account[1].get_secret_value() == "g@heim"
    assert access.where == "es:9200"
    for shown in (repr(made), str(made), repr(access), *warnings_about(access)):
        assert "heim" not in shown
    assert "明文" in warnings_about(access)[0]


def test_secrets_may_lie_in_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("id:secret\n", encoding="utf-8")
    (tmp_path / "database").write_text("sqlite:////data/fengsui.db\n", encoding="utf-8")
    made = settings(
        monkeypatch, ELASTICSEARCH_URL=HTTPS, ELASTICSEARCH_API_KEY_FILE=str(tmp_path / "key"),
        DATABASE_URL_FILE=str(tmp_path / "database"), LOG_FILE=str(tmp_path / "x.log"),
    )  # fmt: skip
    assert made.elasticsearch_api_key is not None
    assert made.elasticsearch_api_key.get_secret_value() == "id:secret"
    assert made.database == "sqlite:////data/fengsui.db"
    assert made.log_file == tmp_path / "x.log"


@pytest.mark.parametrize(
    ("content", "told"), [(None, "读不到"), ("", "是空的"), ("\n", "是空的"), ("both", "只能给一个")]
)
def test_a_secret_file_that_cannot_serve_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: str | None, told: str
) -> None:
    file = tmp_path / "password"
    if content is not None:
        file.write_text(content, encoding="utf-8")
    if content == "both":
        monkeypatch.setenv("FENGSUI_ELASTICSEARCH_PASSWORD", "direct")
    with pytest.raises(ConfigError, match=told):
        settings(monkeypatch, ELASTICSEARCH_URL=HTTPS, ELASTICSEARCH_USER="a", ELASTICSEARCH_PASSWORD_FILE=str(file))


def test_an_empty_variable_is_one_that_was_not_given(monkeypatch: pytest.MonkeyPatch) -> None:
    made = settings(monkeypatch, ELASTICSEARCH_URL="", ELASTICSEARCH_USER="", ELASTICSEARCH_CA="")
    assert made.elasticsearch_url is None
    assert made.elasticsearch_ca is None


def test_the_start_stops_with_every_mistake_and_no_secret(tmp_path: Path) -> None:
    values = environment(
        ELASTICSEARCH_URL=HTTPS, ELASTICSEARCH_USER="a", ELASTICSEARCH_PASSWORD="geheim",
        ELASTICSEARCH_API_KEY="schluessel", ELASTICSEARCH_CA=str(tmp_path / "none.pem"),
    )  # fmt: skip
    command = [sys.executable, "-m", "cli", "check", "--data", str(tmp_path)]
    done = subprocess.run(command, cwd=PROJECT, env=values, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 2
    assert "只能给一个" in done.stderr
    assert "none.pem 读不到" in done.stderr
    assert "Traceback" not in done.stderr
    assert "geheim" not in done.stderr
    assert "schluessel" not in done.stderr
