"""How the company's own PostgreSQL is reached: a password from a file, TLS with the company's own certificate."""

import datetime as dt
import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from s2p_assets.cli.app import SECRET
from s2p_assets.settings import Settings
from s2p_assets.warehouse.server.connection import database_url
from s2p_assets.warehouse.server.pool import connect_arguments
from s2p_assets.warehouse.server.unreachable import DatabaseUnreachable

ADDRESS = "postgresql://s2p@db.example.com:5433/s2p"


def settings(tmp_path: Path, url: str = ADDRESS, password: str | None = "p@ss/ :wörd\n") -> Settings:
    file = tmp_path / "password"
    if password is not None:
        file.write_text(password, encoding="utf-8")
    return Settings(home=tmp_path, database_url=url, database_password_file=file)


def test_a_password_from_a_file_reaches_both_drivers_whatever_is_in_it(tmp_path: Path) -> None:
    given = connect_arguments(database_url(settings(tmp_path)))
    assert given["password"] == "p@ss/ :wörd"
    assert (given["user"], given["host"], given["port"], given["database"]) == ("s2p", "db.example.com", 5433, "s2p")


def test_a_password_that_cannot_be_read_or_stands_twice_is_said_without_it(tmp_path: Path) -> None:
    with pytest.raises(DatabaseUnreachable, match="cannot be read"):
        database_url(settings(tmp_path, password=None))
    with pytest.raises(DatabaseUnreachable, match="leave one") as said:
        database_url(settings(tmp_path, "postgresql://s2p:secret@db/s2p"))
    assert "secret" not in str(said.value)


def certificate() -> x509.Certificate:
    key, now = ec.generate_private_key(ec.SECP256R1()), dt.datetime.now(dt.UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "the company's own")])
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + dt.timedelta(days=1))
    return made.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True).sign(
        key, hashes.SHA256()
    )


@pytest.mark.parametrize(("mode", "names"), [("verify-full", True), ("verify-ca", False)])
def test_the_door_checks_the_companys_own_certificate_as_psycopg_does(tmp_path: Path, mode: str, names: bool) -> None:
    file = tmp_path / "company.pem"
    file.write_bytes(certificate().public_bytes(Encoding.PEM))
    context = connect_arguments(f"{ADDRESS}?sslmode={mode}&sslrootcert={file}")["ssl"]
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname is names
    assert len(context.get_ca_certs()) == 1
    assert connect_arguments(f"{ADDRESS}?sslmode=require")["ssl"] == "require"


def test_what_is_secret_is_not_repeated_where_it_is_not_usable() -> None:
    assert all(SECRET.search(name) for name in ("SMTP_PASSWORD", "DATABASE_URL", "OIDC_CLIENT_SECRET", "HEARTBEAT_URL"))
    assert not SECRET.search("PORT")
    secret = {name for name, one in Settings.model_fields.items() if "SecretStr" in str(one.annotation)}
    assert all(SECRET.search(name.upper()) for name in secret)
