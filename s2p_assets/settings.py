"""Every knob, typed, read from the environment and `.env`. The only module that reads the environment."""

from pathlib import Path
from typing import Annotated

from babel import Locale, UnknownLocaleError
from pydantic import Field, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict


class Settings(BaseSettings):
    """The settings of one s2p installation. Each is the environment variable `S2P_<NAME>`."""

    model_config = SettingsConfigDict(env_prefix="S2P_", env_file=".env", extra="ignore", frozen=True)

    home: Path = Field(Path(".s2p"), description="everything s2p keeps: database, archive, models, Dagster's home")
    share: Path = Field(Path(), description="the share drive; by default `share` in the home", validate_default=False)
    results: Path = Field(Path(), description="where marked copies and reports go; by default the share")
    database_url: str | None = Field(None, description="the company's own PostgreSQL; unset: an embedded one")
    shelves: Annotated[tuple[str, ...], NoDecode] = Field(
        ("s2p_assets",), description="packages that hold shelves, separated by commas"
    )
    country: str | None = Field(None, description="two letters; whose public holidays daily demand knows")
    currency: str = Field("EUR", description="the currency of amounts in reports")
    locale: str = Field("en", description="how reports write numbers and dates: en, de_DE, en_GB …")
    host: str = Field("127.0.0.1", description="the address that the Dagster UI binds to")
    port: int = Field(3000, ge=0, le=65535, description="the port of the Dagster UI")
    reports_port: int = Field(3001, ge=0, le=65535, description="the port of finished reports beside it; 0: none")
    look_seconds: int = Field(1, ge=1, description="seconds between two looks at the share")
    joblib: str = Field("threads", description="who fits models: threads, loky, or a cluster such as dask://host:8786")
    shards: int = Field(0, ge=0, le=1024, description="hash shards that feature sets are partitioned into; 0: none")
    pod_per_shard: bool = Field(False, description="a run for each shard, as for one pod each, not one run for all")
    file_seconds: float = Field(300.0, gt=0, description="time allowed to read one file")
    file_memory_mb: int = Field(4096, ge=256, description="memory allowed to read one file")

    @field_validator("shelves", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

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
        try:
            return str(Locale.parse(value.partition(".")[0].replace("-", "_")))
        except UnknownLocaleError as error:
            raise ValueError(f"{error}; write it as de_DE") from error

    @model_validator(mode="before")
    @classmethod
    def _unset_when_empty(cls, values: dict[str, object]) -> dict[str, object]:
        """An empty variable means "not set", as in a docker-compose file."""
        return {name: value for name, value in values.items() if value != ""}

    @model_validator(mode="after")
    def _absolute(self) -> "Settings":
        home = self.home.expanduser().absolute()
        object.__setattr__(self, "home", home)
        share = self.share if "share" in self.model_fields_set else home / "share"
        object.__setattr__(self, "share", share.expanduser().absolute())
        results = self.results if "results" in self.model_fields_set else self.share
        object.__setattr__(self, "results", results.expanduser().absolute())
        return self

    @property
    def archive(self) -> Path:
        """The original bytes of every file read, by content hash."""
        return self.home / "archive"

    @property
    def spool(self) -> Path:
        """Rows on their way from the reading process."""
        return self.home / "spool"

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
    def reports(self) -> Path:
        """Finished reports, for managers."""
        return self.results / "s2p-reports"


def read_settings() -> Settings:
    """The settings as the environment stands now. Raises pydantic.ValidationError naming the variable."""
    return Settings()
