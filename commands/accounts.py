"""`fengsui user`: accounts by hand, also when nobody can sign in any more. Every change is in the audit log."""

from typing import Annotated

import typer

from commands.options import DataOption, ProfileOption, settings_of
from commands.stores import open_store
from config.lexicon import load_lexicon
from core.clock import system_clock
from core.errors import UsageError
from store import audit, second_factor
from store.database import Store
from store.users import create_user, find_user, list_users, set_password

BY = "命令行"


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    group = typer.Typer(help="账号 (accounts)", no_args_is_help=True)
    group.command("add")(user_add)
    group.command("list")(user_list)
    group.command("passwd")(user_passwd)
    group.command("two-step-off")(user_two_step_off)
    app.add_typer(group, name="user")


def user_add(
    name: str,
    role: Annotated[str, typer.Option("--role", help="viewer | officer | supervisor | admin")] = "officer",
    territory: Annotated[str, typer.Option("--territory", help="region code (default: the province)")] = "",
    display_name: Annotated[str, typer.Option("--name", help="shown on the desk")] = "",
    data: DataOption = None,
    profile: ProfileOption = None,
) -> None:
    """新增账号，口令从终端输入 (the password is asked for)."""
    settings = settings_of(data, profile, log_level="WARNING")
    territory = territory or load_lexicon(settings.config).regions.home
    store = open_store(settings)
    password = typer.prompt("口令", hide_input=True, confirmation_prompt=True)
    now = system_clock()
    with store.write() as db:
        create_user(
            db,
            name,
            role=role,  # type: ignore[arg-type]  # create_user names the accepted roles itself
            territory=territory,
            display_name=display_name,
            password=password,
            now=now,
        )
        audit.note(db, BY, "user_create", name, at=now, details={"role": role, "territory": territory})
    print(f"已新增 {name}")


def user_list(data: DataOption = None, profile: ProfileOption = None) -> None:
    """列出账号."""
    store = open_store(settings_of(data, profile, log_level="WARNING"))
    with store.read() as db:
        for user in list_users(db):
            state = "启用" if user.active else "停用"
            print(user.name, user.role, user.territory, state, user.display_name, sep="\t")


def user_passwd(name: str, data: DataOption = None, profile: ProfileOption = None) -> None:
    """改口令."""
    store = _store_with(name, data, profile)
    password = typer.prompt("新口令", hide_input=True, confirmation_prompt=True)
    with store.write() as db:
        set_password(db, name, password)
        audit.note(db, BY, "user_set_password", name, at=system_clock())
    print("口令已改")


def user_two_step_off(name: str, data: DataOption = None, profile: ProfileOption = None) -> None:
    """停用两步验证，手机丢失时用 (for a lost phone)."""
    store = _store_with(name, data, profile)
    with store.write() as db:
        if not second_factor.remove(db, name):
            raise UsageError(f"账号 {name} 没有设置两步验证")
        audit.note(db, BY, "user_two_step_off", name, at=system_clock())
    print("两步验证已停用，下次登录只用口令")


def _store_with(name: str, data: DataOption, profile: ProfileOption) -> Store:
    """The store, if it has that account. Raises UsageError."""
    store = open_store(settings_of(data, profile, log_level="WARNING"))
    with store.read() as db:
        if find_user(db, name) is None:
            raise UsageError(f"没有账号 {name}；fengsui user list 列出全部")
    return store
