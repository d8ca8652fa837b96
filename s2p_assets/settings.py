"""Every knob, typed, read from the environment and `.env`. The only module that reads the environment."""

import os
from collections.abc import Mapping
from pathlib import Path
from socket import gethostname
from typing import Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    PrivateAttr,
    SecretStr,
    ValidationInfo,
    field_validator,
    model_validator,
)

from s2p_assets.remote_folder import MAIL_FOLDER, REMOTE_FOLDER, SHARE_ITSELF, RemoteFolder, remote_folder

PREFIX = "S2P_"
ENV_FILE = Path(".env")
LOOPBACK = ("127.0.0.1", "::1", "localhost")
EVERYWHERE = ("0.0.0.0", "::", "")  # noqa: S104  what a person may have set, not what is bound here


class Settings(BaseModel):
    """The settings of one s2p installation. Each is the environment variable `S2P_<NAME>`, or else a line of `.env`."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    home: Path = Field(Path(".s2p"), description="everything s2p keeps: database, archive, models, Dagster's home")
    share: Path = Field(
        Path(), description="the share drive, or several; by default `share` in the home", validate_default=False
    )
    remotes: Path = Field(Path(), description="what logs in at remote folders; by default `remotes.yaml` in the home")
    remote_seconds: float = Field(60.0, ge=1, description="seconds between two looks at what lies elsewhere")
    remote_file_mb: int = Field(256, ge=1, description="megabytes that one file fetched from elsewhere may have")
    results: Path = Field(Path(), description="where marked copies and reports go; by default the share")
    database_url: str | None = Field(None, description="the company's own PostgreSQL; unset: an embedded one")
    database_password_file: Path | None = Field(None, description="a file with its password, which the address lacks")
    database_port: int | None = Field(
        None, ge=1024, le=65535, description="where the embedded PostgreSQL also listens, on loopback alone"
    )
    shelves: tuple[str, ...] = Field(("s2p_assets",), description="packages that hold shelves, separated by commas")
    country: str | None = Field(None, description="two letters; whose public holidays daily demand knows")
    currency: str = Field("EUR", description="the currency of amounts in reports")
    locale: str = Field("en", description="how reports write numbers and dates: en, de_DE, en_GB …")
    host: str = Field("127.0.0.1", description="the address that s2p is served at")
    port: int = Field(3000, ge=0, le=65535, description="the port that everything is served at")
    public_url: str | None = Field(None, description="what browsers call it behind a proxy: https://s2p.example.com")
    open: bool = Field(False, description="no login, on loopback alone, for a first look")
    session_hours: int = Field(12, ge=1, le=720, description="hours until a person logs in again")
    upload_mb: int = Field(256, ge=1, description="megabytes that one file sent to the API may have")
    oidc_issuer: str | None = Field(None, description="the company's OpenID provider, https://…")
    oidc_client_id: str | None = Field(None, description="what the provider calls s2p")
    oidc_client_secret: SecretStr | None = Field(None, description="the secret that goes with it")
    oidc_client_secret_file: Path | None = Field(None, description="a file in which it stands instead")
    oidc_roles: str = Field("", description="the provider's groups as roles: s2p-admins=engineer,office=editor")
    look_seconds: int = Field(1, ge=1, description="seconds between two looks at the share")
    joblib: str = Field("threads", description="who fits models: threads, loky, or a cluster such as dask://host:8786")
    shards: int = Field(0, ge=0, le=1024, description="hash shards that feature sets are partitioned into; 0: none")
    pod_per_shard: bool = Field(False, description="a run for each shard, as for one pod each, not one run for all")
    file_seconds: float = Field(300.0, gt=0, description="CPU seconds allowed to read one file")
    file_wait_seconds: float = Field(3600.0, gt=0, description="seconds by the clock after which one file is given up")
    compiled_cutter: bool = Field(True, description="cut sheets by the compiled cutter, where one was made at install")
    file_memory_mb: int = Field(4096, ge=256, description="memory allowed to read one file")
    mailbox_host: str | None = Field(None, description="the IMAP server whose folder is watched for lists")
    mailbox_port: int | None = Field(None, ge=1, le=65535, description="its port; by default that of its security")
    mailbox_security: Literal["tls", "starttls", "none"] = Field("tls", description="how it is spoken to")
    mailbox_user: str | None = Field(None, description="the user there")
    mailbox_password: SecretStr | None = Field(None, description="the password that goes with it")
    mailbox_password_file: Path | None = Field(None, description="a file in which it stands instead")
    mailbox_ca_file: Path | None = Field(
        None, description="who signed its certificate, where that is the company itself"
    )
    mailbox_folder: str = Field("INBOX", description="the folder that is watched")
    mailbox_mb: int = Field(25, ge=1, le=200, description="megabytes that one mail may have")
    mailbox_senders: str = Field(
        "", description="whose mails are held where no contract knows them; empty: everybody's"
    )
    mailbox_authserv: str | None = Field(
        None,
        description="what the receiving server calls itself in Authentication-Results, which then must prove senders",
    )
    addresses: Path = Field(Path(), description="who is told what; by default `addresses.yaml` in the home")
    smtp_host: str | None = Field(None, description="the company's mail server; unset: mails lie in the outbox")
    smtp_port: int | None = Field(None, ge=1, le=65535, description="its port; by default that of its security")
    smtp_security: Literal["starttls", "tls", "none"] = Field("starttls", description="how it is spoken to")
    smtp_user: str | None = Field(None, description="the user at the mail server")
    smtp_password: SecretStr | None = Field(None, description="the password that goes with it")
    smtp_password_file: Path | None = Field(None, description="a file in which it stands instead")
    smtp_ca_file: Path | None = Field(None, description="who signed its certificate, where that is the company itself")
    mail_from: str | None = Field(None, description="the address that mails come from; by default s2p at this computer")
    share_address: str | None = Field(None, description="what people call the share in their file manager")
    message_minutes: float = Field(5.0, ge=0, le=1440, description="minutes over which a message is collected")
    attachment_mb: float = Field(10.0, ge=0, le=100, description="megabytes that one mail may carry")
    disk_free_mb: int = Field(2048, ge=0, description="room on a disk below which engineers are told")
    heartbeat_url: SecretStr | None = Field(None, description="an address outside that is told that all is running")
    heartbeat_method: Literal["GET", "POST"] = Field("GET", description="how it is told")
    backup_to: Path | None = Field(None, description="where backups lie; unset: none is made by itself")
    backup_hours: float = Field(24.0, gt=0, description="hours between two backups; engineers hear of one twice as old")
    backup_keep: int = Field(14, ge=1, description="how many backups are kept")
    drill_hours: float = Field(0.0, ge=0, description="hours between two drills made by itself; 0: none")
    wal_archive: Path | None = Field(None, description="where the embedded PostgreSQL keeps its log, for any moment")
    log_format: Literal["text", "json"] = Field("text", description="how `s2p up` logs: a line for people, or JSON")
    kafka: str | None = Field(None, description="the brokers that streams are read from: host:9092,host:9092")
    kafka_security: Literal["plain", "tls"] = Field("plain", description="whether the brokers are spoken to over TLS")
    kafka_sasl: Literal["", "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = Field("", description="how s2p logs in there")
    kafka_user: str | None = Field(None, description="the user at the brokers")
    kafka_password: SecretStr | None = Field(None, description="the password that goes with it")
    kafka_password_file: Path | None = Field(None, description="a file in which it stands instead")
    kafka_ca_file: Path | None = Field(None, description="who signed the brokers' certificates")
    kafka_certificate_file: Path | None = Field(
        None, description="s2p's own certificate, where the brokers ask for one"
    )
    kafka_key_file: Path | None = Field(None, description="the key of that certificate")
    schema_registry: str | None = Field(None, description="where the Avro schemas of events are, http://registry:8081")
    schema_registry_user: str | None = Field(None, description="the user there")
    schema_registry_password: SecretStr | None = Field(None, description="the password that goes with it")
    source_databases: dict[str, SecretStr] = Field(
        {}, description="other PostgreSQL databases whose tables are followed: erp=postgresql://…, several in lines"
    )
    slot_mb: int = Field(
        1024, ge=1, description="megabytes of log that such a database may keep for s2p before engineers are told"
    )
    stream_seconds: float = Field(
        10.0, gt=0, description="seconds between two looks of the graph at what streams brought"
    )
    dbt_project: Path | None = Field(None, description="the company's dbt project, whose models join the graph")
    lakehouse: str | None = Field(
        None, description="a folder or s3://bucket/s2p that tables are written to as Delta tables after each run"
    )
    lakehouse_options: SecretStr | None = Field(
        None, description="what object storage asks for: aws_endpoint_url=https://…,aws_access_key_id=…"
    )
    lakehouse_options_file: Path | None = Field(None, description="a file in which that stands instead, a line each")
    otlp_endpoint: str | None = Field(None, description="where traces of runs go, http://collector:4318; unset: none")
    heartbeat_minutes: float = Field(5.0, gt=0, description="minutes between two such signs of life")
    _remote_shares: tuple[RemoteFolder, ...] = PrivateAttr(())

    @field_validator("shelves", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("source_databases", mode="before")
    @classmethod
    def _named(cls, value: object) -> object:
        """Raises ValueError for what is no name=address."""
        if not isinstance(value, str):
            return value
        pairs = [line.partition("=") for line in value.split()]
        for name, _, address in pairs:
            if not name or not address.startswith(("postgresql://", "postgres://")):
                raise ValueError(f"{name!r} has no address; write erp=postgresql://user@host/database")
        return {name: address for name, _, address in pairs}

    @field_validator("country")
    @classmethod
    def _has_holidays(cls, value: str | None) -> str | None:
        """Raises ValueError for a country whose holidays nobody knows."""
        if value is None:
            return None
        from holidays import list_supported_countries

        if value.upper() not in list_supported_countries():
            raise ValueError(f"no holidays are known of the country {value!r}; write it as DE")
        return value.upper()

    @field_validator("locale")
    @classmethod
    def _known(cls, value: str) -> str:
        """Raises ValueError for a locale that nobody knows."""
        from babel import Locale, UnknownLocaleError

        try:
            return str(Locale.parse(value.partition(".")[0].replace("-", "_")))
        except UnknownLocaleError as error:
            raise ValueError(f"{error}; write it as de_DE") from error

    @field_validator("oidc_roles")
    @classmethod
    def _are_roles(cls, value: str) -> str:
        """Raises ValueError for what is no list of groups with their roles."""
        for pair in filter(None, value.split(",")):
            if pair.partition("=")[2].strip() not in ("viewer", "editor", "engineer"):
                raise ValueError(f"{pair!r} is no group=role; roles are viewer, editor and engineer")
        return value

    @field_validator("oidc_issuer")
    @classmethod
    def _is_safe(cls, value: str | None) -> str | None:
        """Raises ValueError for a provider that others on the way could pass themselves off as."""
        if value and not value.startswith(("https://", *(f"http://{host}" for host in ("127.0.0.1", "localhost")))):
            raise ValueError("an OpenID provider is asked over https://")
        return value

    @field_validator("open")
    @classmethod
    def _on_loopback(cls, value: bool, info: ValidationInfo) -> bool:
        """Raises ValueError for an installation without a login that others could reach."""
        if value and info.data.get("host") not in LOOPBACK:
            raise ValueError(
                "without a login s2p is served on this computer alone; unset it, or set S2P_HOST=127.0.0.1"
            )
        return value

    @model_validator(mode="wrap")
    @classmethod
    def _from_the_environment(cls, given: dict[str, object], made: ModelWrapValidatorHandler["Settings"]) -> "Settings":
        """What is given, else the environment, else `.env`. An empty variable means "not set", as in docker-compose.

        Raises ValueError for shares of which one is none.
        """
        values = _settings_in(_lines_of_env_file()) | _settings_in(os.environ) | given
        values = {name: value for name, value in values.items() if value != ""}
        share, remote = values.get("share"), tuple[RemoteFolder, ...]()
        if isinstance(share, str) and "://" in share:
            try:
                local, remote = _shares_in(share)
            except ValueError as error:
                raise ValueError(f"S2P_SHARE: {error}") from None
            values.pop("share")
            values |= {"share": local} if local else {}
        settings = made(values)
        settings._remote_shares = remote
        return settings

    @model_validator(mode="after")
    def _absolute(self) -> "Settings":
        home = self.home.expanduser().absolute()
        object.__setattr__(self, "home", home)
        usual = home / ("remote-share" if self.remote_share else "share")
        share = self.share if "share" in self.model_fields_set else usual
        object.__setattr__(self, "share", share.expanduser().absolute())
        results = self.results if "results" in self.model_fields_set else self.share
        object.__setattr__(self, "results", results.expanduser().absolute())
        for name in ("backup_to", "wal_archive", "dbt_project"):
            place = getattr(self, name)
            object.__setattr__(self, name, place.expanduser().absolute() if place else None)
        for name in ("addresses", "remotes"):
            file = getattr(self, name) if name in self.model_fields_set else home / f"{name}.yaml"
            object.__setattr__(self, name, file.expanduser().absolute())
        return self

    @property
    def remote_shares(self) -> tuple[RemoteFolder, ...]:
        """Those shares of `S2P_SHARE` that lie elsewhere."""
        return self._remote_shares

    @property
    def remote_share(self) -> RemoteFolder | None:
        """The remote folder that is the share drive itself, where that lies elsewhere."""
        return next((one for one in self.remote_shares if one.name == SHARE_ITSELF), None)

    @property
    def share_setting(self) -> str:
        """What `S2P_SHARE` is set to for another process of this installation."""
        named = (one.url if one.name == SHARE_ITSELF else f"{one.name}={one.url}" for one in self.remote_shares)
        return ",".join([*([] if self.remote_share else [str(self.share)]), *named])

    def place_of(self, path: str) -> Path:
        """Where on this computer a file lies, by its path in the ledger."""
        folder, _, rest = path.partition("/")
        own = {REMOTE_FOLDER: self.remote_copies, MAIL_FOLDER: self.mailed}
        return own[folder] / rest if folder in own else self.share / path

    @property
    def remote_copies(self) -> Path:
        """What was fetched from remote folders, a folder for each."""
        return self.home / "remote"

    @property
    def mailed(self) -> Path:
        """What came by mail, a folder for each sender."""
        return self.home / "mail"

    @property
    def is_on_loopback(self) -> bool:
        """Whether nobody on another computer can ask."""
        return self.host in LOOPBACK

    @property
    def address(self) -> str:
        """What browsers call it, without a slash at the end."""
        if self.public_url:
            return self.public_url.rstrip("/")
        host = gethostname() if self.host in EVERYWHERE else self.host
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"

    def lakehouse_terms(self) -> dict[str, str]:
        """What object storage asks for, by name. Raises ValueError for what is no name=value."""
        text = self.lakehouse_options.get_secret_value().replace(",", "\n") if self.lakehouse_options else ""
        if self.lakehouse_options_file is not None:
            text += "\n" + self.lakehouse_options_file.read_text(encoding="utf-8")
        pairs = [line.strip().partition("=") for line in text.splitlines() if line.strip()]
        if any(not equals for _, equals, _ in pairs):
            raise ValueError("options of the lakehouse are written name=value")
        return {name.strip(): value.strip() for name, _, value in pairs}

    @property
    def archive(self) -> Path:
        """The original bytes of every file read, by content hash."""
        return self.home / "archive"

    @property
    def cache(self) -> Path:
        """What can be made again at any time, such as the outline of the shelves."""
        return self.home / "cache"

    @property
    def dbt_folder(self) -> Path:
        """What dbt said of the company's project, how it reaches the database, and what it wrote."""
        return self.home / "dbt"

    @property
    def spool(self) -> Path:
        """Rows on their way from the reading process."""
        return self.home / "spool"

    @property
    def submissions(self) -> Path:
        """Files that somebody is about to hand in on the screen, for a day."""
        return self.home / "submissions"

    @property
    def outbox(self) -> Path:
        """Mails, for as long as there is no mail server."""
        return self.home / "outbox"

    @property
    def sent_log(self) -> Path:
        """What was sent, beside the database, which may be brought back from before."""
        return self.home / "sent.jsonl"

    @property
    def sender(self) -> str:
        """The address that mails come from."""
        host = gethostname().strip(".") or "localhost"
        return self.mail_from or f"s2p@{host if '.' in host else f'{host}.localdomain'}"

    @property
    def dagster_home(self) -> Path:
        return self.home / "dagster"

    @property
    def models(self) -> Path:
        """The model registry's files."""
        return self.home / "models"

    @property
    def returned(self) -> Path:
        """Marked-up copies for the people who own the files."""
        return self.results / "s2p-returned"

    @property
    def entries(self) -> Path:
        """What people entered on the screen or through the API, as small workbooks."""
        return self.results / "s2p-entries"

    @property
    def reports(self) -> Path:
        """Finished reports, for managers."""
        return self.results / "s2p-reports"


def _shares_in(text: str) -> tuple[str | None, tuple[RemoteFolder, ...]]:
    """The local folder of several shares, if there is one, and those elsewhere; without it the first is the share.

    Raises ValueError for two local ones, or two of one name.
    """
    parts = [part.strip() for part in text.split(",") if part.strip()]
    local = [part for part in parts if "://" not in part]
    if len(local) > 1:
        raise ValueError(f"one of them may be a folder of this computer, not {' and '.join(local)}; mount one below it")
    found = [remote_folder(part) for part in parts if "://" in part]
    if not local:
        found[0] = RemoteFolder(SHARE_ITSELF, found[0].url)
    names = [one.name for one in found]
    if twice := next((name for name in names if names.count(name) > 1 or (local and name == SHARE_ITSELF)), None):
        raise ValueError(f"two shares are called {twice!r}; call one otherwise, as in other-name=sftp://…")
    return (local[0] if local else None), tuple(found)


def read_settings() -> Settings:
    """The settings as the environment stands now. Raises pydantic.ValidationError naming the variable."""
    return Settings()


def wants_colours() -> bool:
    """Whether a terminal may be written to in colours: https://no-color.org."""
    return not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _settings_in(variables: Mapping[str, str | None]) -> dict[str, object]:
    """The settings among variables, whose names may be in capitals or not."""
    named = ((name.upper(), value) for name, value in variables.items())
    return {
        name.removeprefix(PREFIX).lower(): value
        for name, value in named
        if name.startswith(PREFIX) and value is not None
    }


def _lines_of_env_file() -> Mapping[str, str | None]:
    if not ENV_FILE.is_file():
        return {}
    from dotenv import dotenv_values

    return dotenv_values(ENV_FILE, encoding="utf-8")
