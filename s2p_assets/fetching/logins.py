"""What logs in at remote folders and data sets, read from one YAML file that an engineer keeps to himself.

Which folders there are stands in `S2P_SHARE` and in contracts.
"""

import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, SecretStr, ValidationError

from s2p_assets.contracts.errors import MendableError
from s2p_assets.remote_folder import RemoteFolder

SECRETS = ("password", "token")


class LoginsUnusable(MendableError):
    """The file of what logs in at remote folders cannot be used; one line that says where and what to write."""


class Login(BaseModel):
    """How s2p logs in at one remote folder, by the words of the file. Secrets are shown nowhere."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    user: str | None = None
    password: SecretStr | None = None
    password_file: Path | None = None
    token: SecretStr | None = None
    token_file: Path | None = None
    key_file: Path | None = None
    known_hosts: Path | None = None
    ca_file: Path | None = None
    endpoint: str | None = None
    region: str | None = None
    anonymous: bool = False
    tenant: str | None = None
    login_endpoint: str | None = None

    def secret(self, name: str) -> str | None:
        """`password` or `token`, from here or the file that is named. Raises LoginsUnusable."""
        file: Path | None = getattr(self, f"{name}_file")
        if file is None:
            held: SecretStr | None = getattr(self, name)
            return held.get_secret_value() if held else None
        try:
            return file.expanduser().read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise LoginsUnusable(
                f"{name}_file {file} cannot be read ({type(error).__name__}); let s2p read it"
            ) from None


def read_logins(file: Path) -> dict[str, Login]:
    """By the name of a remote folder, or its host; none where there is no file. Raises LoginsUnusable."""
    import yaml

    try:
        text = file.read_text(encoding="utf-8")
        stored = yaml.safe_load(text) or {}
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise LoginsUnusable(
            f"{file} cannot be read ({type(error).__name__}); write it as docs/remote.md shows"
        ) from None
    if not isinstance(stored, Mapping) or not all(isinstance(one, Mapping) for one in stored.values()):
        raise LoginsUnusable(f"{file}: write a name, and indented below it user, password_file, …")
    if any(set(SECRETS) & one.keys() for one in stored.values()) and file.stat().st_mode & (
        stat.S_IRGRP | stat.S_IROTH
    ):
        raise LoginsUnusable(f"{file} holds a password and others may read it: chmod 600 {file}")
    return {str(name): _login(file, str(name), one) for name, one in stored.items()}


def _login(file: Path, name: str, stored: Mapping[str, Any]) -> Login:
    try:
        return Login.model_validate(stored)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in (name, *first["loc"]))
        known = ", ".join(Login.model_fields)
        raise LoginsUnusable(f"{file}: {where}: {first['msg'].lower()}; there are {known}") from None


def login_of(logins: Mapping[str, Login], folder: RemoteFolder) -> Login:
    """What stands under the folder's name, else under its host; else nothing."""
    return logins.get(folder.name) or logins.get(folder.host) or Login()
